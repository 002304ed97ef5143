/**
 * The service: who watches whom.
 *
 * ```text
 * http-service  one_for_one: the death of one is no concern of the others
 * ├─ store      the counters
 * ├─ requests   a dynamic supervisor: one process for each request
 * └─ listener   the HTTP server
 * ```
 *
 * They start in this order and stop in the reverse: first nobody gets in any more, and what is under
 * way is finished; last the store, when nobody can ask it for anything, saves what it has.
 */
import type { Self } from "@coppice/core";
import { child, defineApplication, defineSupervisor } from "@coppice/supervisor";
import { listener } from "./listener.js";
import { Requests, requests } from "./requests.js";
import { Store, store } from "./store.js";

export interface Env {
  readonly port: number;
  readonly file: string | undefined;
  readonly stuck: boolean;
}

const defaults: Env = { port: 0, file: undefined, stuck: false };

export const service = defineApplication({
  name: "http-service",
  env: defaults,
  start: ({ port, file, stuck }) =>
    defineSupervisor({
      intensity: 5,
      periodMs: 10_000,
      children: [
        ...(stuck ? [child({ id: "stubborn", shutdown: "infinity" }, stubborn)] : []),
        child({ id: "store", name: Store }, store, file),
        child({ id: "requests", name: Requests }, requests),
        // The time for what is under way; less than the whole service has.
        child({ id: "listener", shutdown: 6_000 }, listener, port),
      ],
    }),
});

/** Hears that it has to stop, and does not. */
async function stubborn(self: Self<unknown>): Promise<void> {
  self.trapExits();
  for (;;) {
    await self.receive();
    console.log("stubborn: stays");
  }
}
