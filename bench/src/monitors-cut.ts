/** Processes that monitor one of another operating-system process, which is killed. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { at, type Down, type Pid } from "@coppice/core";
import { Echo } from "./remote-services.js";
import { withRemote } from "./remote-setting.js";

/** So many processes share the monitors. */
const MAX_WATCHERS = 100;
/** How often it is looked whether the event loop turns. */
const RESOLUTION_MS = 1;
/** More than by default a peer may hold, and may be waited for. */
const limits = {
  maxMonitors: 1_000_000,
  maxMonitorsPerProcess: 1_000_000,
  maxPendingCalls: 1_000_000,
};

export interface Cut {
  /** How many monitors were answered with `noconnection`, each once. */
  readonly answered: number;
  /** From the kill to the last answer. */
  readonly totalMs: number;
  /** The longest turn of the event loop meanwhile. */
  readonly longestTurnMs: number;
}

export function cutWith(monitors: number): Promise<Cut> {
  return withRemote(
    async (node, _remote, child) => {
      const target = (await node.call(at("peer", Echo), "who")) as Pid<never>;
      const watchers = Math.min(MAX_WATCHERS, monitors);
      let [set, answered, wrong] = [0, 0, 0];
      const ended: Promise<unknown>[] = [];
      for (let i = 0; i < watchers; i++) {
        const share =
          Math.floor((monitors * (i + 1)) / watchers) - Math.floor((monitors * i) / watchers);
        const watcher = node.spawn<Down>(async (self) => {
          const refs = new Set<unknown>();
          for (let j = 0; j < share; j++) refs.add(self.monitor(target));
          set += share;
          while (refs.size > 0) {
            const down = await self.receive();
            if (refs.delete(down.ref) && down.reason === "noconnection") answered++;
            else wrong++;
          }
        });
        ended.push(node.whenExited(watcher));
      }
      // Behind the monitors: when this is answered, the other side has them all.
      while (set < monitors) await new Promise((resolve) => setImmediate(resolve));
      await node.call(at("peer", Echo), "all there?", { timeoutMs: 60_000 });
      globalThis.gc?.();
      const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      delay.enable();
      await new Promise((resolve) => setTimeout(resolve, 20));
      delay.reset();
      const startMs = performance.now();
      child.kill("SIGKILL");
      await Promise.all(ended);
      const totalMs = performance.now() - startMs;
      // What held up the last turn is noticed in the next one.
      await new Promise((resolve) => setTimeout(resolve, 2 * RESOLUTION_MS));
      delay.disable();
      if (wrong > 0) throw new Error(`${wrong} messages that were no answers`);
      return { answered, totalMs, longestTurnMs: delay.max / 1e6 };
    },
    { limits },
  );
}
