/** Runs programs of commands on a node, and says whether some order explains what came of them. */
import {
  checkKeys,
  errorText,
  formatTerm,
  InvalidArgumentError,
  type Node,
  type Self,
} from "@coppice/core";
import { checkNode, checkOptionalFunction, has } from "./arguments.js";
import {
  activeSteps,
  formatProgram,
  mapTokens,
  type CommandProgram,
  type ProgramStep,
} from "./command-program.js";
import { checkSuite, type AnyCommand, type CommandSuite } from "./commands.js";
import { createHistory, type Failure, type Operation } from "./history.js";
import { MOST_CONFIGURATIONS } from "./linearizability.js";
import { searchOrder } from "./linearization-search.js";
import { inRealTime } from "./sim-history.js";
import type { Simulation } from "./simulation.js";

export interface RunCommandsOptions {
  /**
   * What an error of `run` means: `"pending"` that the command may have taken effect or may yet, which
   * is what holds for a timeout; `"refused"` that it has none; `{ output }` that the error is an answer.
   * By default it is a failure of the test.
   */
  readonly onError?: (
    error: unknown,
    command: string,
  ) => Failure | { readonly output: unknown } | "crash";
  /**
   * The simulation that the node is in. An exploration of all schedules has to know of it: whether one
   * command returned before another began makes a difference that no process sees.
   */
  readonly sim?: Simulation;
}

/** A command that was run, with its input as it was then. */
export interface ExecutedStep {
  readonly step: ProgramStep;
  readonly input: unknown;
}

export type CommandVerdict<Model> =
  | { readonly ok: true; readonly order: readonly Operation<ExecutedStep>[] }
  | { readonly ok: false; readonly message: string; readonly states: readonly Model[] };

export interface CommandRun<Model> {
  /** Resolves when all clients have done what they had to do; never, when one waits for ever. */
  readonly done: Promise<void>;
  /** What can be said of what was done so far; commands that have not returned are pending. */
  verdict(): CommandVerdict<Model>;
  /** @throws CommandsError the verdict is not ok */
  check(): void;
  /** How often each command returned. */
  readonly counts: Readonly<Record<string, number>>;
}

/** No order of the commands explains their results, or one of them failed. */
export class CommandsError extends Error {
  override readonly name = "CommandsError";
  readonly code = "COMMANDS_FAILED";
}

/**
 * Starts a program on a node: a process runs the prefix, then spawns one for each client. In a
 * simulation give the verdict to `sim.finally`; on a plain node wait for `done`.
 *
 * @param real what the commands are given to act upon
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 * @example
 * import { createNode } from "@coppice/core";
 * import fc from "fast-check";
 * import { commandPrograms, defineCommands, runCommands } from "@coppice/testkit";
 * const suite = defineCommands<number, { value: number }>({
 *   initial: 0,
 *   commands: (command) => ({
 *     add: command({
 *       gen: () => fc.integer({ min: 1, max: 3 }),
 *       run: async (counter, n, self) => {
 *         const { value } = counter;
 *         await self.yield(); // here another client may come between
 *         return (counter.value = value + n);
 *       },
 *       post: (sum, n, result) => result === sum + n,
 *       next: (sum, n) => sum + n,
 *     }),
 *   }),
 * });
 * const add = (step: number) => ({ token: { step }, command: "add", input: 1 });
 * const node = createNode();
 * const run = runCommands(node, suite, { prefix: [add(0)], clients: [[add(1)], [add(2)]] }, { value: 0 });
 * await run.done;
 * run.verdict().ok; // => false
 * await node.stop();
 */
export function runCommands<Model, Real>(
  node: Node,
  suite: CommandSuite<Model, Real>,
  program: CommandProgram,
  real: Real,
  options: RunCommandsOptions = {},
): CommandRun<Model> {
  checkNode("runCommands: node", node);
  checkSuite("runCommands", suite as never);
  checkProgram(suite.commands, program);
  checkKeys("runCommands: options", options, ["onError", "sim"]);
  checkOptionalFunction("runCommands: options.onError", options.onError);
  const { onError = () => "crash" as const } = options;
  const { commands } = suite;
  const active = activeSteps(suite, program);
  const { sim } = options;
  const history = createHistory<ExecutedStep, unknown>(
    sim === undefined ? {} : { onPosition: inRealTime(sim) },
  );
  const results = new Map<number, unknown>();
  const counts: Record<string, number> = {};
  const crashes: string[] = [];

  const runStep = async (step: ProgramStep, self: Self<never>, client: number): Promise<void> => {
    if (!active.has(step.token.step)) return;
    let isReady = true;
    const input = mapTokens(step.input, (token) => {
      // The step whose result it is has not returned.
      isReady &&= results.has(token.step);
      return results.get(token.step);
    });
    if (!isReady) return;
    const completed = history.invoke(String(client), { step, input });
    let output: unknown;
    try {
      output = await (commands[step.command] as AnyCommand<Model, Real>).run(real, input, self);
    } catch (error) {
      const meaning = onError(error, step.command);
      if (meaning === "crash")
        crashes.push(`${step.command} failed: ${errorText(error, { named: true })}`);
      if (meaning === "refused") completed.refused();
      if (typeof meaning === "string") return;
      output = meaning.output;
    }
    results.set(step.token.step, output);
    counts[step.command] = (counts[step.command] ?? 0) + 1;
    completed(output);
  };

  let finish: () => void = () => undefined;
  const done = new Promise<void>((resolve) => (finish = resolve));
  const clients = program.clients
    .map((steps, at) => ({ steps: steps.filter(({ token }) => active.has(token.step)), at }))
    .filter(({ steps }) => steps.length > 0);
  let running = clients.length;
  node.spawnOpt<never>({ label: "commands" }, async (self) => {
    for (const step of program.prefix) await runStep(step, self, 0);
    if (running === 0) finish();
    for (const { steps, at } of clients) {
      self.spawnOpt<never>({ label: `client ${at + 1}`, key: `client${at + 1}` }, async (own) => {
        for (const step of steps) await runStep(step, own, at + 1);
        if (--running === 0) finish();
      });
    }
  });

  const verdict = (): CommandVerdict<Model> => {
    const shown = formatProgram(program, active);
    if (crashes.length > 0)
      return { ok: false, message: `${crashes.join("\n")}\n${shown}`, states: [] };
    const successors = (model: Model, operation: Operation<ExecutedStep>): Model[] => {
      const { step, input } = operation.input;
      const { post, next } = commands[step.command] as AnyCommand<Model, Real>;
      const isPending = operation.returnedAt === undefined;
      const held: unknown = isPending ? true : post?.(model, input, operation.output);
      if (held === false) return [];
      // It would hold whatever it resolves to.
      if (has(held, "then")) {
        throw new CommandsError(
          `post of ${step.command} returns a promise, but has to say at once`,
        );
      }
      const result = isPending ? step.token : operation.output;
      return [next === undefined ? model : next(model, input, result)];
    };
    const found = searchOrder<Model, ExecutedStep, unknown>(history.operations, suite.initial, {
      successors,
      stateKey: undefined,
      limit: MOST_CONFIGURATIONS,
    });
    if (found.order === "undecided") {
      const message = `undecided: no order found in ${MOST_CONFIGURATIONS} configurations, and there are more`;
      return { ok: false, message: `${message}\n${shown}`, states: [] };
    }
    if (found.order !== undefined) return { ok: true, order: found.order };
    const { prefix, blocked, states } = found.explain();
    const { step, input } = blocked.input;
    const said = (each: Operation<ExecutedStep>): string =>
      `  ${String(each.input.step.token)} = ${each.input.step.command}(${show(each.input.input)}) → ${each.returnedAt === undefined ? "?" : show(each.output)}`;
    const message = [
      `no order explains that ${step.command}(${show(input)}) returned ${show(blocked.output)}`,
      shown,
      "longest prefix that has an order:",
      ...prefix.map(said),
      `states it may lead to: ${states.map(show).join(" or ")}`,
    ].join("\n");
    return { ok: false, message, states };
  };
  return {
    done,
    verdict,
    check() {
      const result = verdict();
      if (!result.ok) throw new CommandsError(result.message);
    },
    counts,
  };
}

function show(value: unknown): string {
  return value === undefined ? "" : formatTerm(value);
}

function checkProgram(
  commands: Readonly<Record<string, unknown>>,
  { prefix, clients }: CommandProgram,
): void {
  if (!Array.isArray(prefix) || !Array.isArray(clients)) {
    const expected = "a program of commands, with `prefix` and `clients`";
    throw new InvalidArgumentError("runCommands: program", expected, { prefix, clients });
  }
  for (const { command } of [prefix, ...clients].flat() as ProgramStep[]) {
    if (Object.hasOwn(commands, command)) continue;
    const expected = `made of the suite's commands, ${Object.keys(commands).join(", ")}`;
    throw new InvalidArgumentError("runCommands: program", expected, command);
  }
}
