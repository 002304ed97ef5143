/**
 * WebSockets in Node, by the library `ws`: dialling, and listening at a path of an HTTP server.
 *
 * Nothing is compressed: compression costs memory on both sides, and a small message could become a big
 * one. A browser is let in only from the origins that are allowed; who sends none is no browser.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { createSecureContext, type ConnectionOptions, type TLSSocket } from "node:tls";
import { InvalidArgumentError } from "@coppice/core";
import { WebSocket, WebSocketServer } from "ws";
import { EarlySockets } from "./early-sockets.js";
import type { Dialler, Listener, Transport } from "./transport.js";
import {
  isWebSocketAddress,
  SUBPROTOCOL,
  WEB_SOCKET_PATH,
  webSocketTransport,
  withPath,
  type WebSocketLike,
} from "./web-socket-transport.js";

/** RFC 9266: what the two ends of one TLS connection know. */
const EXPORTER_LABEL = "EXPORTER-Channel-Binding";
const EXPORTER_BYTES = 32;

/** So long the other side may take to close in its turn; then there is no more asking. The types do not know it yet. */
const CLOSE_TIMEOUT = { closeTimeout: 2_000 } as object;

/** In so many parts a message may come: nodes send none in parts, but something on the way may cut them. */
const MOST_PARTS = 256;

/** No network carries less at a time, but for the last of it. */
const LEAST_CHUNK_BYTES = 256;

/** What a frame may be, and what may be kept of one that is not whole: a part costs memory, however short it is. */
function received(maxFrameBytes: number): {
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
} {
  return {
    maxPayload: maxFrameBytes,
    maxFragments: MOST_PARTS,
    maxBufferedChunks: Math.max(1_024, Math.ceil(maxFrameBytes / LEAST_CHUNK_BYTES)),
  };
}

export interface NodeWebSocketOptions {
  /** The biggest frame. */
  readonly maxFrameBytes: number;
  readonly handshakeMs: number;
  /** Whom to trust, as for `tls.connect`: `ca`, `cert`, `key`, `rejectUnauthorized`, `servername`. */
  readonly tls?: Pick<
    ConnectionOptions,
    "ca" | "cert" | "key" | "rejectUnauthorized" | "servername"
  >;
}

/** @throws InvalidArgumentError what `tls` has cannot be used */
export function nodeDialler(options: NodeWebSocketOptions): Dialler {
  const { maxFrameBytes, handshakeMs, tls } = options;
  if (tls !== undefined) checkUsable("startRemote: options.tls", () => createSecureContext(tls));
  return {
    accepts: isWebSocketAddress,
    dial: (address) => {
      const url = withPath(address);
      const isSecure = url.startsWith("wss:");
      const socket = new WebSocket(url, SUBPROTOCOL, {
        perMessageDeflate: false,
        ...received(maxFrameBytes),
        handshakeTimeout: handshakeMs,
        ...CLOSE_TIMEOUT,
        // Behind TLS no proxy between them can mistake the bytes for something else, so a mask does nothing.
        // Without, `ws` takes random ones, out of a store of them.
        ...(isSecure && { generateMask: zeroMask, ...tls }),
      });
      return transportOf(socket, address);
    },
  };
}

function zeroMask(mask: Buffer): void {
  mask.fill(0);
}

export interface NodeListenOptions extends NodeWebSocketOptions {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Certificate and key, as for `https.createServer`; without, it is `ws`. */
  readonly certificate?: Pick<
    ServerOptions,
    "cert" | "key" | "ca" | "requestCert" | "rejectUnauthorized"
  >;
  /** From where pages may connect, such as `https://example.org`; none by default. */
  readonly allowedOrigins?: readonly string[];
  /** So many may have connected and not asked for a WebSocket yet; with one more the oldest is closed. Any number by default. */
  readonly maxEarlySockets?: number;
  /** Asked before anything is read of a connection; `false` refuses it. */
  readonly admit?: (remoteAddress: string) => boolean;
  /** Told of those that are turned away before there is a WebSocket, and why. */
  readonly refused?: (remoteAddress: string, why: string) => void;
}

/**
 * Listens; resolves when it does.
 *
 * @throws InvalidArgumentError the certificate or its key cannot be used
 * @throws the host's error, such as EADDRINUSE
 */
export async function listenWebSocket(
  options: NodeListenOptions,
  accept: (transport: Transport) => void,
): Promise<Listener> {
  const { host, port, certificate, allowedOrigins = [], admit, maxFrameBytes } = options;
  const { handshakeMs, refused, maxEarlySockets = Infinity } = options;
  const deadlines = {
    headersTimeout: handshakeMs,
    requestTimeout: handshakeMs,
    // Node looks for those that are late every 30 s unless it is told otherwise.
    connectionsCheckingInterval: Math.max(100, Math.min(1_000, handshakeMs / 4)),
  };
  const http: Server =
    certificate === undefined
      ? createServer(deadlines, refuse)
      : tlsServer({ ...certificate, ...deadlines, handshakeTimeout: handshakeMs });
  const early = new EarlySockets(maxEarlySockets, (remote) =>
    refused?.(remote, "nothing was asked for, and others have come"),
  );
  early.watch(http);
  // Whom the one does not trust, the other hears of; whom both do not, nobody would.
  http.on("tlsClientError", (error: Error, socket: TLSSocket) =>
    refused?.(socket.remoteAddress ?? "unknown", `TLS: ${error.message}`),
  );
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    ...received(maxFrameBytes),
    clientTracking: false,
    ...CLOSE_TIMEOUT,
    handleProtocols: () => SUBPROTOCOL,
  });
  http.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    early.asked(request.socket);
    const { origin } = request.headers;
    const path = (request.url ?? "").split("?")[0];
    const protocols = (request.headers["sec-websocket-protocol"] ?? "").split(/\s*,\s*/);
    const remote = request.socket.remoteAddress ?? "unknown";
    const away = (status: string, why: string): void => {
      turnAway(socket, status);
      refused?.(remote, why);
    };
    if (path !== WEB_SOCKET_PATH) away("404 Not Found", `the path ${shown(path)}`);
    else if (origin !== undefined && !allowedOrigins.includes(origin)) {
      away("403 Forbidden", `the origin ${shown(origin)} is not among allowedOrigins`);
    } else if (!protocols.includes(SUBPROTOCOL)) {
      away("400 Bad Request", `no subprotocol ${SUBPROTOCOL}`);
    } else if (admit?.(remote) === false) away("503 Service Unavailable", "too many at once");
    else {
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        accept(transportOf(webSocket, remote));
      });
    }
  });
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen(port, host, () => {
      http.off("error", reject);
      http.on("error", () => undefined);
      resolve();
    });
  });
  const { port: bound } = http.address() as AddressInfo;
  const scheme = certificate === undefined ? "ws" : "wss";
  const named = host.includes(":") ? `[${host}]` : host;
  return {
    address: `${scheme}://${named}:${bound}${WEB_SOCKET_PATH}`,
    close: () =>
      new Promise<void>((resolve) => {
        http.close(() => resolve());
        // Nothing is served there that could be waited for.
        http.closeAllConnections();
      }),
  };
}

/** So much is shown of what a stranger says. */
const MOST_SHOWN = 100;

function shown(said: string | undefined): string {
  return JSON.stringify((said ?? "").slice(0, MOST_SHOWN));
}

function tlsServer(options: ServerOptions): Server {
  return checkUsable("startRemote: options.listen.certificate", () =>
    createTlsServer(options, refuse),
  );
}

/** OpenSSL says neither what it was given nor by whom; a key stays a secret. */
function checkUsable<T>(argument: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    const expected = "a certificate and the key to it, both as PEM";
    throw new InvalidArgumentError(argument, expected, (error as Error).message);
  }
}

/** Nothing is served but WebSockets. */
function refuse(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(426, { connection: "close" }).end();
}

/** After an upgrade the HTTP server looks after the socket no more: its other half is not waited for. */
function turnAway(socket: Duplex, status: string): void {
  socket.on("error", () => undefined);
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/**
 * So many messages are read in a turn of the event loop, and what came with the last of them: Node reads on as long as
 * somebody sends, and nobody else is heard meanwhile.
 */
const MESSAGES_PER_TURN = 512;

/** Also of a socket that is closed here: until the other side has closed too, it may send. */
function readInTurns(socket: WebSocket): void {
  let read = 0;
  const turned = (): void => {
    if (socket.isPaused) socket.resume();
    read = 0;
  };
  const count = (): void => {
    read++;
    if (read === 1) setImmediate(turned);
    else if (read === MESSAGES_PER_TURN) socket.pause();
  };
  for (const event of ["message", "ping", "pong"]) socket.on(event, count);
}

function transportOf(socket: WebSocket, remoteAddress: string): Transport {
  readInTurns(socket);
  // Its handlers are written, and never read: that is why theirs may take less. Types cannot say so.
  return webSocketTransport(socket as WebSocketLike, {
    remoteAddress,
    // A view of what was read, where "arraybuffer" would be a copy.
    binaryType: "nodebuffer",
    sendWith: (frame, sent) => socket.send(frame, { binary: true }, () => sent()),
    terminate: () => socket.terminate(),
    channelBinding: () => exported(socket),
  });
}

function exported(socket: WebSocket): Uint8Array | undefined {
  const { _socket: raw } = socket as { readonly _socket?: TLSSocket };
  if (raw === undefined || typeof raw.exportKeyingMaterial !== "function") return undefined;
  return new Uint8Array(raw.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, Buffer.alloc(0)));
}
