/** Dials with the WebSocket of the platform: browsers, workers, and hosts that have it. */
import { InvalidArgumentError } from "@coppice/core";
import type { Dialler } from "./transport.js";
import {
  isWebSocketAddress,
  SUBPROTOCOL,
  webSocketTransport,
  withPath,
  type WebSocketLike,
} from "./web-socket-transport.js";

/** @throws InvalidArgumentError the platform has no WebSocket */
export function browserDialler(): Dialler {
  const { WebSocket } = globalThis as {
    readonly WebSocket?: new (url: string, protocol: string) => unknown;
  };
  if (WebSocket === undefined) {
    throw new InvalidArgumentError("browserDialler", "used where there is a WebSocket", undefined);
  }
  return {
    accepts: isWebSocketAddress,
    dial: (address) => {
      const socket = new WebSocket(withPath(address), SUBPROTOCOL) as WebSocketLike;
      return webSocketTransport(socket, { remoteAddress: address });
    },
  };
}
