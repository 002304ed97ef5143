/** Programs of commands as values of fast-check: made small first, and shrunk step by step. */
import { checkKeys, InvalidArgumentError } from "@coppice/core";
import { checkWhole, has } from "./arguments.js";
import {
  Arbitrary,
  type Random,
  Stream,
  stream,
  stringify,
  toStringMethod,
  Value,
} from "fast-check";
import {
  formatProgram,
  nextModel,
  type CommandProgram,
  type ProgramStep,
} from "./command-program.js";
import { checkSuite, tokenOf, type AnyCommand, type CommandSuite } from "./commands.js";

export interface CommandProgramOptions {
  /** How many clients run at once after the prefix; 2 by default, 0 for a sequential program. */
  readonly clients?: number;
  /** How many steps the prefix may have; 6 by default. */
  readonly maxPrefix?: number;
  /** How many steps each client may have; 4 by default. */
  readonly maxSteps?: number;
}

/**
 * Programs of the suite's commands.
 *
 * Each step makes sense after those before it, as far as its own client can know. The first programs
 * that a property draws are small. Shrinking leaves out clients and steps, and shrinks the inputs; a step
 * that makes no sense any more does nothing.
 *
 * @throws InvalidArgumentError an option is unknown, or no whole number of at least 0
 * @example
 * import fc from "fast-check";
 * import { commandPrograms, defineCommands, formatProgram } from "@coppice/testkit";
 * const suite = defineCommands<number, { value: number }>({
 *   initial: 0,
 *   commands: (command) => ({
 *     add: command({
 *       gen: () => fc.integer({ min: 1, max: 3 }),
 *       run: (counter, n) => (counter.value += n),
 *       next: (sum, n) => sum + n,
 *     }),
 *   }),
 * });
 * const [program] = fc.sample(commandPrograms(suite, { clients: 3 }), { numRuns: 1, seed: 1 });
 * program?.clients.length; // => 3
 */
export function commandPrograms<Model, Real>(
  suite: CommandSuite<Model, Real>,
  options: CommandProgramOptions = {},
): Arbitrary<CommandProgram> {
  checkSuite("commandPrograms", suite as never);
  checkKeys("commandPrograms: options", options, ["clients", "maxPrefix", "maxSteps"]);
  for (const [option, value] of Object.entries(options)) {
    checkWhole(`commandPrograms: options.${option}`, value, 0);
  }
  return new ProgramArbitrary(suite, options);
}

/** How each input was drawn, by step: so that it can be shrunk. */
type Drawn = ReadonlyMap<
  number,
  { readonly arbitrary: Arbitrary<unknown>; readonly value: Value<unknown> }
>;

class ProgramArbitrary<Model, Real> extends Arbitrary<CommandProgram> {
  readonly #suite: CommandSuite<Model, Real>;
  readonly #clients: number;
  readonly #maxPrefix: number;
  readonly #maxSteps: number;

  constructor(suite: CommandSuite<Model, Real>, options: CommandProgramOptions) {
    super();
    this.#suite = suite;
    this.#clients = options.clients ?? 2;
    this.#maxPrefix = options.maxPrefix ?? 6;
    this.#maxSteps = options.maxSteps ?? 4;
  }

  override generate(random: Random, biasFactor: number | undefined): Value<CommandProgram> {
    const drawn = new Map<number, { arbitrary: Arbitrary<unknown>; value: Value<unknown> }>();
    const draw = (from: Model, length: number): { steps: ProgramStep[]; model: Model } => {
      let model = from;
      const steps: ProgramStep[] = [];
      for (let i = 0; i < length; i++) {
        const step = this.#drawStep(random, biasFactor, model, drawn);
        if (step === undefined) break;
        steps.push(step);
        model = nextModel(this.#command(step), model, step);
      }
      return { steps, model };
    };
    const { steps: prefix, model } = draw(
      this.#suite.initial,
      lengthOf(random, biasFactor, this.#maxPrefix, 0),
    );
    const clients = Array.from(
      { length: this.#clients },
      () => draw(model, lengthOf(random, biasFactor, this.#maxSteps, 1)).steps,
    );
    return new Value(programOf(prefix, clients), drawn);
  }

  #command({ command }: ProgramStep): AnyCommand<Model, never> {
    return this.#suite.commands[command] as AnyCommand<Model, never>;
  }

  #drawStep(
    random: Random,
    biasFactor: number | undefined,
    model: Model,
    drawn: Map<number, { arbitrary: Arbitrary<unknown>; value: Value<unknown> }>,
  ): ProgramStep | undefined {
    const possible = Object.entries(this.#suite.commands).flatMap(([name, command]) => {
      const arbitrary = command.gen(model);
      if (arbitrary !== undefined && !has(arbitrary, "generate", "shrink")) {
        const expected = "an arbitrary of fast-check, or undefined";
        throw new InvalidArgumentError(`what gen of ${name} returns`, expected, arbitrary);
      }
      return arbitrary === undefined
        ? []
        : [{ name, command, arbitrary: arbitrary as Arbitrary<unknown> }];
    });
    // A precondition is rarely hard to meet where `gen` knows the state.
    for (let attempt = 0; attempt < 20 && possible.length > 0; attempt++) {
      const { name, command, arbitrary } = possible[
        random.nextInt(0, possible.length - 1)
      ] as (typeof possible)[0];
      const value = arbitrary.generate(random, biasFactor);
      if (command.pre?.(model, value.value) === false) continue;
      const token = tokenOf(drawn.size);
      drawn.set(token.step, { arbitrary, value });
      return { token, command: name, input: value.value };
    }
    return undefined;
  }

  override canShrinkWithoutContext(value: unknown): value is CommandProgram {
    return typeof value === "object" && value !== null && "prefix" in value && "clients" in value;
  }

  override shrink(program: CommandProgram, context: unknown): Stream<Value<CommandProgram>> {
    const drawn = (context as Drawn | undefined) ?? new Map<number, never>();
    return stream(shorter(program))
      .map((each) => new Value(each, drawn))
      .join(stream(simpler(program, drawn)));
  }
}

/** From few steps in the first programs to all that are allowed; between, short ones are as likely as long ones. */
function lengthOf(
  random: Random,
  biasFactor: number | undefined,
  max: number,
  min: number,
): number {
  // fast-check's bias is 2 for the first runs and grows by one with each power of ten.
  const share = biasFactor === undefined ? 1 : Math.min(1, (biasFactor - 1) / 3);
  return random.nextInt(Math.min(min, max), Math.max(min, Math.ceil(max * share)));
}

function programOf(
  prefix: readonly ProgramStep[],
  clients: readonly (readonly ProgramStep[])[],
): CommandProgram {
  const program: CommandProgram = { prefix, clients };
  Object.defineProperty(program, toStringMethod, {
    value: () => formatProgram(program) || stringify([]),
  });
  return program;
}

/** The program without some of its steps: first without many. */
function* shorter({ prefix, clients }: CommandProgram): Generator<CommandProgram> {
  for (const [at, steps] of clients.entries()) {
    if (steps.length > 0) yield programOf(prefix, clients.with(at, []));
  }
  for (const rest of without(prefix)) yield programOf(rest, clients);
  for (const [at, steps] of clients.entries()) {
    for (const rest of without(steps)) yield programOf(prefix, clients.with(at, rest));
  }
  // What only one client does is no matter of order: it may as well happen before.
  const busy = clients.filter((steps) => steps.length > 0);
  if (busy.length === 1)
    yield programOf(
      [...prefix, ...(busy[0] as ProgramStep[])],
      clients.map(() => []),
    );
  for (const [at, [first, ...rest]] of clients.entries()) {
    if (first !== undefined && busy.length > 1)
      yield programOf([...prefix, first], clients.with(at, rest));
  }
}

/** All, then halves, then quarters, … then single ones are left out. */
function* without(steps: readonly ProgramStep[]): Generator<readonly ProgramStep[]> {
  for (let size = steps.length; size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from + size <= steps.length; from += size) {
      yield [...steps.slice(0, from), ...steps.slice(from + size)];
    }
  }
}

/** The program with one input that is simpler. */
function* simpler(
  { prefix, clients }: CommandProgram,
  drawn: Drawn,
): Generator<Value<CommandProgram>> {
  for (const [at, step] of prefix.entries()) {
    for (const [input, context] of inputsBelow(step, drawn)) {
      yield new Value(programOf(prefix.with(at, { ...step, input }), clients), context);
    }
  }
  for (const [client, steps] of clients.entries()) {
    for (const [at, step] of steps.entries()) {
      for (const [input, context] of inputsBelow(step, drawn)) {
        const simple = clients.with(client, steps.with(at, { ...step, input }));
        yield new Value(programOf(prefix, simple), context);
      }
    }
  }
}

function* inputsBelow({ token }: ProgramStep, drawn: Drawn): Generator<[unknown, Drawn]> {
  const entry = drawn.get(token.step);
  if (entry === undefined) return;
  const { arbitrary, value } = entry;
  for (const below of arbitrary.shrink(value.value, value.context)) {
    yield [below.value, new Map(drawn).set(token.step, { arbitrary, value: below })];
  }
}
