/** Small programs whose schedules can be counted by hand, and a way to go through all of them. */
import type { Call, Pid } from "@coppice/core";
import {
  inMacrotask,
  runProgram,
  type Program,
  type Run,
  type SimulationOptions,
  type Strategy,
} from "@coppice/testkit";

/** Every order in which the transitions of a program can take place, faults and timers included. */
export function runAll(
  program: Program,
  options: SimulationOptions = {},
  limit = 100_000,
): Promise<Run[]> {
  return inMacrotask(() => {
    const runs: Run[] = [];
    const choices: number[] = [];
    const widths: number[] = [];
    for (;;) {
      let at = 0;
      const strategy: Strategy = {
        pick(enabled) {
          widths[at] = enabled.length;
          return enabled[(choices[at++] ??= 0)];
        },
      };
      runs.push(runProgram(program, strategy, options));
      if (runs.length > limit) throw new Error(`more than ${limit} orders`);
      choices.length = widths.length = at;
      while (choices.length > 0 && (choices.at(-1) as number) + 1 === widths[choices.length - 1]) {
        choices.pop();
      }
      if (choices.length === 0) return runs;
      (choices[choices.length - 1] as number)++;
    }
  });
}

/** `senders` processes send `messages` each to one that takes all. */
export function fanIn(senders: number, messages: number): Program {
  return (sim) => {
    const node = sim.node();
    const sink = node.spawnOpt<string>({ key: "sink" }, async (self) => {
      for (;;) await self.receive();
    });
    for (let s = 1; s <= senders; s++) {
      node.spawnOpt<never>({ key: `s${s}` }, (self) => {
        for (let m = 1; m <= messages; m++) self.send(sink, `${s}.${m}`);
      });
    }
  };
}

type Request = "get" | { readonly set: number };

/** Each of `clients` reads a counter and then sets it to one more. */
export function readModifyWrite(clients: number): Program {
  return (sim) => {
    const node = sim.node();
    let count = 0;
    const server = node.spawnOpt<Call<Request, number>>({ key: "server" }, async (self) => {
      for (;;) {
        const { request, from } = await self.receive();
        if (request !== "get") count = request.set;
        self.reply(from, count);
      }
    });
    for (let c = 1; c <= clients; c++) {
      node.spawnOpt<never>({ key: `c${c}` }, async (self) => {
        const seen = await self.call(server, "get", { timeoutMs: Infinity });
        await self.call(server, { set: seen + 1 }, { timeoutMs: Infinity });
      });
    }
    sim.finally("no update is lost", () => count === clients);
  };
}

/** How many different orders of arrival at one process there are. */
export function ordersAt(runs: readonly Run[], actor: string): number {
  return new Set(
    runs.map(({ steps }) =>
      steps
        .filter(({ transition }) => transition.actor === actor)
        .map(({ transition }) => transition.key)
        .join(" "),
    ),
  ).size;
}

export type { Pid };
