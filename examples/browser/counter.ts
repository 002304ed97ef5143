/** The server that the page watches. */
import { defineServer, type ProtocolOf, type ServerSelf } from "@coppice/supervisor";

export const counter = defineServer({
  init: () => 0,
  call: {
    add: (count: number) => ({ reply: count + 1, state: count + 1 }),
    who: (_count, self: ServerSelf) => ({ reply: self.pid }),
  },
  cast: {
    crash: () => {
      throw new Error("as ordered");
    },
  },
});

export type CounterMessage = ProtocolOf<typeof counter>;
