/**
 * Checks of checks: a suite that stays green whatever the code does proves nothing. So the code is made
 * wrong on purpose, one bit at a time, and each time the suite has to turn red.
 *
 * Mutation testing: DeMillo, Lipton and Sayward, Hints on test data selection (1978).
 */
import {
  checkFunction,
  InvalidArgumentError,
  TIMEOUT,
  type Body,
  type Handler,
  type Self,
} from "@coppice/core";
import { checkList, has, isText } from "./arguments.js";

/** A subject with one thing wrong. */
export interface Mutant<T> {
  /** What is wrong, for people. */
  readonly name: string;
  readonly subject: T;
}

export interface OracleReport {
  /** The mutants with which the suite turned red. */
  readonly caught: readonly string[];
  /** Those it did not notice. */
  readonly missed: readonly string[];
}

/** A suite is red without any mutation, or did not notice one. */
export class OracleError extends Error {
  override readonly name = "OracleError";
  readonly code = "ORACLE_BLIND";
}

/**
 * Runs a suite on a subject, where it has to be green, and then on each mutant, where it has to be red.
 *
 * @param suite green when it returns, or resolves; red when it throws, rejects, or says `false`
 * @throws OracleError it is red on the subject itself
 * @throws InvalidArgumentError there are no mutants: that would prove nothing
 * @example
 * import { checkOracles, dropClauses } from "@coppice/testkit";
 * const clauses = { inc: (n: number) => n + 1, dec: (n: number) => n - 1 };
 * const report = await checkOracles(
 *   ({ inc }) => inc(1) === 2,
 *   clauses,
 *   dropClauses(clauses, () => (n: number) => n),
 * );
 * report; // => { caught: ["without inc"], missed: ["without dec"] }
 */
export async function checkOracles<T>(
  suite: (subject: T) => unknown,
  subject: T,
  mutants: Iterable<Mutant<T>>,
): Promise<OracleReport> {
  checkFunction("checkOracles: suite", suite);
  const all = [...mutants];
  if (all.length === 0)
    throw new InvalidArgumentError("checkOracles: mutants", "at least one mutant", all);
  const verdict = await isGreen(suite, subject);
  if (!verdict.green) {
    throw new OracleError(
      `the suite is red without any mutation: ${String(verdict.error ?? "it said false")}`,
    );
  }
  const caught: string[] = [];
  const missed: string[] = [];
  for (const mutant of all) {
    const { green } = await isGreen(suite, mutant.subject);
    (green ? missed : caught).push(mutant.name);
  }
  return { caught, missed };
}

async function isGreen<T>(
  suite: (subject: T) => unknown,
  subject: T,
): Promise<{ readonly green: boolean; readonly error?: unknown }> {
  try {
    return { green: (await suite(subject)) !== false };
  } catch (error) {
    return { green: false, error };
  }
}

/** @throws OracleError a mutant was missed; the message lists all that were */
export function requireOracles({ caught, missed }: OracleReport): void {
  if (missed.length === 0) return;
  const total = caught.length + missed.length;
  throw new OracleError(
    [`${missed.length} of ${total} mutants went unnoticed:`, ...missed].join("\n  "),
  );
}

/**
 * One mutant for each function in an object, however deep: that function is replaced. For the clauses of
 * a behaviour, before it is defined.
 *
 * @param inert what takes the place of a function, by default one that returns `{}`: for a server,
 *   nothing happens and nobody is answered
 */
export function* dropClauses<T extends object>(
  clauses: T,
  inert: (path: string) => unknown = () => () => ({}),
): Generator<Mutant<T>> {
  for (const { path, replace } of functionsIn(clauses, [])) {
    const name = path.join(".");
    yield { name: `without ${name}`, subject: replace(inert(name)) as T };
  }
}

interface Place {
  readonly path: readonly string[];
  readonly replace: (by: unknown) => unknown;
}

function* functionsIn(value: object, path: readonly string[]): Generator<Place> {
  for (const [key, part] of Object.entries(value) as [string, unknown][]) {
    const put = (by: unknown): object => ({ ...value, [key]: by });
    if (typeof part === "function") yield { path: [...path, key], replace: put };
    else if (typeof part === "object" && part !== null && !Array.isArray(part)) {
      for (const place of functionsIn(part, [...path, key])) {
        yield { path: place.path, replace: (by) => put(place.replace(by)) };
      }
    }
  }
}

/**
 * One mutant for each kind of message: the process never gets any of that kind.
 *
 * @param kindOf the kind of a message; its `type`, or itself when it is a string, by default
 * @throws InvalidArgumentError an argument is of the wrong kind
 */
export function* ignoreKinds<P extends AnyProgram>(
  program: P,
  kinds: readonly string[],
  kindOf: (message: never) => string | undefined = typeOf,
): Generator<Mutant<P>> {
  if (typeof program !== "function" && !has(program, "message")) {
    throw new InvalidArgumentError(
      "ignoreKinds: program",
      "a body or a handler of a process",
      program,
    );
  }
  checkList("ignoreKinds: kinds", kinds, "kinds of messages", isText);
  checkFunction("ignoreKinds: kindOf", kindOf);
  for (const kind of kinds) {
    const isIgnored = (message: unknown): boolean => kindOf(message as never) === kind;
    const subject =
      typeof program === "function"
        ? deafBody(program, isIgnored)
        : deafHandler(program, isIgnored);
    yield { name: `deaf to ${kind}`, subject: subject as P };
  }
}

/** Of whatever messages and arguments: each mutant has those of its subject. */
// oxlint-disable-next-line typescript/no-explicit-any
type AnyProgram = Body<any, any> | Handler<any, any, any>;

function typeOf(message: unknown): string | undefined {
  if (typeof message === "string") return message;
  const type: unknown = (Object(message) as { type?: unknown }).type;
  return typeof type === "string" ? type : undefined;
}

// oxlint-disable-next-line typescript/no-explicit-any
function deafHandler(
  handler: Handler<any, any, any>,
  isIgnored: (message: unknown) => boolean,
): typeof handler {
  return {
    ...handler,
    message: (state: unknown, message: unknown, self) =>
      isIgnored(message) ? state : (handler.message(state, message, self) as unknown),
  };
}

// oxlint-disable-next-line typescript/no-explicit-any
function deafBody(body: Body<any, any>, isIgnored: (message: unknown) => boolean): typeof body {
  // oxlint-disable-next-line typescript/no-explicit-any
  return (self: Self<any>, ...args: readonly any[]) => {
    type Receive = (...receiveArgs: unknown[]) => Promise<unknown>;
    const receive: Receive = async (...receiveArgs) => {
      for (;;) {
        const message = await (self.receive as Receive)(...receiveArgs);
        if (message === TIMEOUT || !isIgnored(message)) return message;
      }
    };
    const deaf = new Proxy(self, {
      get: (target, key) => {
        if (key === "receive") return receive;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    return body(deaf, ...args);
  };
}
