/** A server whose name is in another module. */
import { defineServer } from "@coppice/supervisor";

export const counter = defineServer({
  init: (from: number) => from,
  call: { next: (count) => ({ reply: count, state: count + 1 }) },
  cast: { add: (count, by: number) => ({ state: count + by }) },
});
