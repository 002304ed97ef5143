/** An HTTP server that can finish what is under way before it closes. */
import { once } from "node:events";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export class HttpServer {
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  /** What is being answered, by connection. */
  readonly #underWay = new Map<Socket, ServerResponse>();
  #draining = false;

  private constructor(server: Server, handle: RequestListener) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.#connections.add(socket);
      socket.on("close", () => this.#connections.delete(socket));
    });
    server.on("request", (request, response) => {
      this.#underWay.set(request.socket, response);
      response.on("close", () => this.#answered(request.socket));
      handle(request, response);
    });
  }

  /**
   * Listens on `port`, of this machine only.
   *
   * @throws Error the port is taken, or may not be used
   */
  static async listen(port: number, handle: RequestListener): Promise<HttpServer> {
    const server = createServer();
    const http = new HttpServer(server, handle);
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return http;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Calls `failed` should the server fail later on. */
  onError(failed: (error: Error) => void): void {
    this.#server.on("error", failed);
  }

  /** How many requests are under way. */
  get underWay(): number {
    return this.#underWay.size;
  }

  /** Lets nobody in any more, finishes what is under way, and closes. */
  async drain(): Promise<void> {
    this.#draining = true;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#connections) {
      const response = this.#underWay.get(socket);
      // Node leaves those open that have never sent anything.
      if (response === undefined) socket.destroy();
      // Tells the client, where it has not been promised yet that the connection is kept.
      else response.shouldKeepAlive = false;
    }
    await closed;
  }

  /** Closes at once. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answered(socket: Socket): void {
    this.#underWay.delete(socket);
    if (this.#draining) socket.end();
  }
}
