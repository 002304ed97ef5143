/**
 * Commands: what a client can do, with a model that says when it makes sense and what has to come of it.
 *
 * QuickCheck's state machines: https://hexdocs.pm/propcheck/PropCheck.StateM.html, and eqc_statem. A
 * program is a prefix that one client runs, and then several clients at once; whether it went well, the
 * search for an order of its commands says.
 */
import type { Arbitrary } from "fast-check";
import { checkFunction, checkKeys, InvalidArgumentError, type Self } from "@coppice/core";
import { checkOptionalFunction, has } from "./arguments.js";

/**
 * What a command returned, before it has run: stands in inputs and in models while a program is made,
 * and is replaced by the result when it runs. Of one step there is one token: compare by `===`.
 */
export interface Token {
  /** The step whose result it stands for. */
  readonly step: number;
}

class StepToken implements Token {
  readonly step: number;

  constructor(step: number) {
    this.step = step;
  }

  toString(): string {
    return `result${this.step}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** For tests of models; programs are made with their tokens. */
export function tokenOf(step: number): Token {
  return new StepToken(step);
}

export function isToken(value: unknown): value is Token {
  return value instanceof StepToken;
}

/**
 * A command.
 *
 * `pre` and `next` are asked twice: while a program is made, with tokens for results, and afterwards with
 * the results. So they may keep a result in the model and compare it, but not look into it.
 */
export interface Command<Model, Real, Input, Result> {
  /** The inputs it may have in this state; `undefined` when it makes no sense there. */
  readonly gen: (model: Model) => Arbitrary<Input> | undefined;
  /** May it run in this state with this input? Always, by default. */
  readonly pre?: (model: Model, input: NoInfer<Input>) => boolean;
  /** Runs it, in a process of its client. What an error means, the options of `runCommands` say. */
  readonly run: (
    real: Real,
    input: NoInfer<Input>,
    self: Self<never>,
  ) => PromiseLike<Result> | Result;
  /** Is that what it has to return in this state? Yes, by default. */
  readonly post?: (model: Model, input: NoInfer<Input>, result: NoInfer<Result>) => boolean;
  /** The state after it; the same, by default. */
  readonly next?: (
    model: Model,
    input: NoInfer<Input>,
    result: NoInfer<Result> | Token,
  ) => NoInfer<Model>;
}

declare const FITS: unique symbol;

/** A command whose functions are known to fit each other, whatever their inputs and results are. */
// oxlint-disable-next-line typescript/no-explicit-any -- there is no type for "some type"
export interface AnyCommand<Model, Real> extends Command<Model, Real, any, any> {
  /** Only for the compiler: there is no such property. */
  readonly [FITS]: true;
}

export type Commands<Model, Real> = Readonly<Record<string, AnyCommand<Model, Real>>>;

/** Makes a command of a suite: all of it takes the inputs that `gen` draws, and the results of `run`. */
export type MakeCommand<Model, Real> = <Input, Result>(
  command: Command<Model, Real, Input, Result>,
) => AnyCommand<Model, Real>;

/** What is to be tested against what. */
export interface CommandSuite<Model, Real> {
  readonly initial: Model;
  readonly commands: Commands<Model, Real>;
}

/**
 * Says what is to be tested. Each command is made by the function that `commands` is given: it knows the types of the
 * model and of what is real, and ties the command's functions to the inputs of its `gen` and the results of its `run`.
 *
 * @throws InvalidArgumentError there is no command, or a command lacks `gen` or `run`
 * @example
 * import fc from "fast-check";
 * import { defineCommands } from "@coppice/testkit";
 * const suite = defineCommands<readonly string[], Set<string>>({
 *   initial: [],
 *   commands: (command) => ({
 *     add: command({
 *       gen: () => fc.string(),
 *       run: (set, word) => set.add(word).size,
 *       post: (words, word, size) => size === words.length + (words.includes(word) ? 0 : 1),
 *       next: (words, word) => (words.includes(word) ? words : [...words, word]),
 *     }),
 *   }),
 * });
 * Object.keys(suite.commands); // => ["add"]
 */
export function defineCommands<Model, Real>(definition: {
  readonly initial: Model;
  readonly commands: (command: MakeCommand<Model, Real>) => Commands<Model, Real>;
}): CommandSuite<Model, Real> {
  checkKeys("defineCommands: definition", definition, ["initial", "commands"]);
  const { initial, commands } = definition;
  checkFunction("defineCommands: commands", commands);
  const make = (command: unknown): AnyCommand<Model, Real> => command as AnyCommand<Model, Real>;
  const suite = { initial, commands: commands(make) };
  checkSuite("defineCommands", suite as never);
  return suite;
}

/** @throws InvalidArgumentError it is no suite */
export function checkSuite(operation: string, suite: CommandSuite<never, never>): void {
  checkKeys(`${operation}: suite`, suite, ["initial", "commands"]);
  const refuse = (expected: string, received: unknown): never => {
    throw new InvalidArgumentError(`${operation}: commands`, expected, received);
  };
  const { commands } = suite;
  if (typeof commands !== "object" || commands === null || Object.keys(commands).length === 0) {
    refuse("at least one command", commands);
  }
  for (const [name, command] of Object.entries(commands)) {
    if (!has(command, "gen", "run")) refuse("commands with the functions gen and run", name);
    checkKeys(`${operation}: commands.${name}`, command, ["gen", "pre", "run", "post", "next"]);
    const { pre, post, next } = command;
    for (const [what, value] of Object.entries({ pre, post, next })) {
      checkOptionalFunction(`${operation}: commands.${name}.${what}`, value);
    }
  }
}
