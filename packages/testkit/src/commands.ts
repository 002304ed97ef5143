/**
 * Commands: what a client can do, with a model that says when it makes sense and what has to come of it.
 *
 * QuickCheck's state machines: https://hexdocs.pm/propcheck/PropCheck.StateM.html, and eqc_statem. A
 * program is a prefix that one client runs, and then several clients at once; whether it went well, the
 * search for an order of its commands says.
 */
import type { Arbitrary } from "fast-check";
import { checkKeys, InvalidArgumentError, type Self } from "@coppice/core";
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
  readonly pre?: (model: Model, input: Input) => boolean;
  /** Runs it, in a process of its client. What an error means, the options of `runCommands` say. */
  readonly run: (real: Real, input: Input, self: Self<never>) => PromiseLike<Result> | Result;
  /** Is that what it has to return in this state? Yes, by default. */
  readonly post?: (model: Model, input: Input, result: Result) => boolean;
  /** The state after it; the same, by default. */
  readonly next?: (model: Model, input: Input, result: Result) => Model;
}

// oxlint-disable-next-line typescript/no-explicit-any
export type AnyCommand<Model, Real> = Command<Model, Real, any, any>;

export type Commands<Model, Real> = Readonly<Record<string, AnyCommand<Model, Real>>>;

/** What is to be tested against what. */
export interface CommandSuite<Model, Real> {
  readonly initial: Model;
  readonly commands: Commands<Model, Real>;
}

/**
 * Says what is to be tested; inference wants it in one place.
 *
 * @throws InvalidArgumentError there is no command, or a command lacks `gen` or `run`
 */
export function defineCommands<Model, Real>(
  suite: CommandSuite<Model, Real>,
): CommandSuite<Model, Real> {
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
