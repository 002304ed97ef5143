/**
 * Connections that are there and have asked for no WebSocket yet. Whoever can reach the port can make as many as he
 * likes: so many are kept, and with one more the one that has waited longest makes way, so that who has something to
 * say is heard.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";

export class EarlySockets {
  readonly #most: number;
  readonly #sockets = new Map<string, Socket>();
  readonly #evicted: (remoteAddress: string) => void;

  /** @param evicted told of each that makes way */
  constructor(most: number, evicted: (remoteAddress: string) => void) {
    this.#most = most;
    this.#evicted = evicted;
  }

  watch(server: Server): void {
    server.on("connection", (socket: Socket) => this.#came(socket));
  }

  /** It has asked: it is none of these any more. Under TLS it is another object, of the same two ends. */
  asked(socket: Socket): void {
    this.#sockets.delete(endOf(socket));
  }

  #came(socket: Socket): void {
    const end = endOf(socket);
    this.#sockets.set(end, socket);
    socket.once("close", () => {
      if (this.#sockets.get(end) === socket) this.#sockets.delete(end);
    });
    if (this.#sockets.size <= this.#most) return;
    for (const [oldest, waiting] of this.#sockets) {
      this.#sockets.delete(oldest);
      this.#evicted(waiting.remoteAddress ?? "unknown");
      waiting.destroy();
      break;
    }
  }
}

function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
