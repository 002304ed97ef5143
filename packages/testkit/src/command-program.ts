/** Programs of commands: which of their steps run, and how they are written. */
import { formatTerm } from "@coppice/core";
import {
  isToken,
  type AnyCommand,
  type Commands,
  type CommandSuite,
  type Token,
} from "./commands.js";
import { structureOf } from "./sequential-model.js";

/** One command with its input, in a program. */
export interface ProgramStep {
  /** Stands for its result; of its own in the program. */
  readonly token: Token;
  readonly command: string;
  readonly input: unknown;
}

export interface CommandProgram {
  /** Run by one client, before the others begin. */
  readonly prefix: readonly ProgramStep[];
  /** Run at once, each in its order. */
  readonly clients: readonly (readonly ProgramStep[])[];
}

/** Replaces the tokens in an input, however deep, by what `resolve` says of them. */
export function mapTokens(value: unknown, resolve: (token: Token) => unknown): unknown {
  if (isToken(value)) return resolve(value);
  if (Array.isArray(value)) return value.map((each) => mapTokens(each, resolve));
  if (typeof value !== "object" || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, mapTokens(each, resolve)]),
  );
}

/**
 * Which steps run: those whose precondition holds whatever the order of the clients turns out to be, and
 * whose tokens stand for results that are there by then. The others do nothing.
 */
export function activeSteps<Model>(
  { initial, commands }: CommandSuite<Model, never>,
  { prefix, clients }: CommandProgram,
): ReadonlySet<number> {
  const active = new Set<number>();
  const admit = (steps: readonly ProgramStep[], before: ReadonlySet<number>): void => {
    const done = new Set(before);
    for (const { token, input } of steps) {
      let known = true;
      mapTokens(input, ({ step }) => (known &&= done.has(step)));
      if (known) {
        active.add(token.step);
        done.add(token.step);
      }
    }
  };
  const dropped = new Set<number>();
  const isIn = (steps: readonly ProgramStep[]): ProgramStep[] =>
    steps.filter(({ token }) => !dropped.has(token.step));
  // What does nothing changes what follows, and leaves a token without a result: so it is looked at anew.
  for (;;) {
    admit(isIn(prefix), new Set());
    const before = new Set(active);
    for (const steps of clients) admit(isIn(steps), before);
    const failed = firstRefused(initial, commands, prefix, clients, active);
    if (failed === undefined) return active;
    active.clear();
    dropped.add(failed);
  }
}

/** The first step whose precondition does not hold in some order. */
function firstRefused<Model>(
  initial: Model,
  commands: Commands<Model, never>,
  prefix: readonly ProgramStep[],
  clients: readonly (readonly ProgramStep[])[],
  active: ReadonlySet<number>,
): number | undefined {
  const isActive = ({ token }: ProgramStep): boolean => active.has(token.step);
  let model = initial;
  for (const step of prefix.filter(isActive)) {
    const command = commands[step.command] as AnyCommand<Model, never>;
    if (command.pre?.(model, step.input) === false) return step.token.step;
    model = nextModel(command, model, step);
  }
  // What nobody checks after it, it cannot break.
  const programs = clients.map((steps) => steps.filter(isActive));
  const isChecked = ({ command }: ProgramStep): boolean => commands[command]?.pre !== undefined;
  // All places that the clients may have come to, with all the models that may be there.
  let places: Place<Model>[] = [{ at: programs.map(() => 0), models: new Map([[0, model]]) }];
  while (places.length > 0) {
    const reached = new Map<string, Place<Model>>();
    for (const { at, models } of places) {
      const isOver = programs.every(
        (program, client) => !program.slice(at[client]).some(isChecked),
      );
      if (isOver) continue;
      for (const [client, program] of programs.entries()) {
        const step = program[at[client] as number];
        if (step === undefined) continue;
        const command = commands[step.command] as AnyCommand<Model, never>;
        for (const each of models.values()) {
          if (command.pre?.(each, step.input) === false) return step.token.step;
        }
        const there = at.with(client, (at[client] as number) + 1);
        const place = reached.get(there.join()) ?? { at: there, models: new Map<unknown, Model>() };
        reached.set(there.join(), place);
        for (const each of models.values()) {
          const after = nextModel(command, each, step);
          place.models.set(structureOf(after), after);
        }
      }
    }
    places = [...reached.values()];
  }
  return undefined;
}

interface Place<Model> {
  /** How many steps each client has done. */
  readonly at: readonly number[];
  /** By structure. */
  readonly models: Map<unknown, Model>;
}

/** The model after a step whose result is not known. */
export function nextModel<Model>(
  command: AnyCommand<Model, never>,
  model: Model,
  { input, token }: ProgramStep,
): Model {
  return command.next === undefined ? model : (command.next(model, input, token) as Model);
}

/**
 * The program, one line for each step and side by side what runs at once; `-` stands before what does
 * nothing.
 */
export function formatProgram(program: CommandProgram, active?: ReadonlySet<number>): string {
  const line = ({ token, command, input }: ProgramStep): string => {
    const isOff = active !== undefined && !active.has(token.step);
    return `${isOff ? "- " : ""}${String(token)} = ${command}(${input === undefined ? "" : formatTerm(input)})`;
  };
  const lines = program.prefix.map(line);
  program.clients.forEach((steps, client) => {
    if (steps.length === 0) return;
    lines.push(`client ${client + 1}:`, ...steps.map((step) => `  ${line(step)}`));
  });
  return lines.join("\n");
}
