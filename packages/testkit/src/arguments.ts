/** Checks of arguments at the edge: each says what was expected and what came. What is not given is left alone. */
import { checkFunction, InvalidArgumentError } from "@coppice/core";

/** @throws InvalidArgumentError it is no whole number of at least `least` */
export function checkWhole(argument: string, value: unknown, least: number): void {
  if (value === undefined || (Number.isInteger(value) && (value as number) >= least)) return;
  throw new InvalidArgumentError(argument, `a whole number of at least ${least}`, value);
}

/** @throws InvalidArgumentError it is no number, or a negative one */
export function checkNumber(argument: string, value: unknown): void {
  if (typeof value === "number" && value >= 0) return;
  throw new InvalidArgumentError(argument, "a number of at least 0", value);
}

/** @throws InvalidArgumentError it is no whole number */
export function checkSeed(argument: string, value: unknown): void {
  if (value === undefined || Number.isInteger(value)) return;
  throw new InvalidArgumentError(argument, "a whole number", value);
}

/** So often, or as often as may be. @throws InvalidArgumentError it is no such number */
export function checkTimes(argument: string, value: unknown): void {
  if (value !== Infinity) checkWhole(argument, value, 0);
}

/** @throws InvalidArgumentError it is neither `true` nor `false` */
export function checkBoolean(argument: string, value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  throw new InvalidArgumentError(argument, "true or false", value);
}

/** @throws InvalidArgumentError it is no string, or an empty one */
export function checkText(argument: string, value: unknown, expected = "text"): void {
  if (typeof value === "string" && value !== "") return;
  throw new InvalidArgumentError(argument, expected, value);
}

/** @throws InvalidArgumentError it is given, and no function */
export function checkOptionalFunction(argument: string, value: unknown): void {
  if (value !== undefined) checkFunction(argument, value);
}

/** @throws InvalidArgumentError it is none of these */
export function checkOneOf(argument: string, value: unknown, known: readonly string[]): void {
  if (value === undefined || known.includes(value as string)) return;
  const names = known.map((each) => JSON.stringify(each));
  const last = names.pop() as string;
  const expected = names.length === 0 ? last : `${names.join(", ")} or ${last}`;
  throw new InvalidArgumentError(argument, expected, value);
}

/**
 * A list each of whose members `isOne`. A string is none, although it has members, too.
 *
 * @param expected what its members are, e.g. `names`
 * @throws InvalidArgumentError it is no such list
 */
export function checkList(
  argument: string,
  value: unknown,
  expected: string,
  isOne: (member: unknown) => boolean,
): void {
  if (!Array.isArray(value)) {
    throw new InvalidArgumentError(argument, `a list of ${expected}`, value);
  }
  const wrong = value.findIndex((member) => !isOne(member));
  if (wrong !== -1)
    throw new InvalidArgumentError(
      `${argument}[${wrong}]`,
      `one that fits a list of ${expected}`,
      value[wrong],
    );
}

/** @throws InvalidArgumentError it is given, and no such list */
export function checkOptionalList(...list: Parameters<typeof checkList>): void {
  if (list[1] !== undefined) checkList(...list);
}

/** @throws InvalidArgumentError it is no such list, or an empty one */
export function checkSome(...list: Parameters<typeof checkList>): void {
  checkList(...list);
  const [argument, value, expected] = list;
  if ((value as readonly unknown[]).length > 0) return;
  throw new InvalidArgumentError(argument, `at least one of ${expected}`, value);
}

export function isText(value: unknown): boolean {
  return typeof value === "string";
}

/** Whether it has functions of these names. */
export function has(value: unknown, ...functions: readonly string[]): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    functions.every((name) => typeof (value as Record<string, unknown>)[name] === "function")
  );
}

/** @throws InvalidArgumentError it is no node */
export function checkNode(argument: string, value: unknown): void {
  if (!has(value, "spawn", "processes", "processInfo")) {
    throw new InvalidArgumentError(argument, "a node", value);
  }
}

/** @throws InvalidArgumentError it is no simulation */
export function checkSimulation(argument: string, value: unknown): void {
  if (!has(value, "always", "finally", "fail")) {
    throw new InvalidArgumentError(argument, "a simulation, as a program is given it", value);
  }
}
