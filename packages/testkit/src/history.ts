/**
 * Histories: what clients asked for and what they were told, in the order in which it happened.
 *
 * Jepsen and Knossos check the same; here the order is exact, because one step happens after another.
 */
import { checkFunction, checkKeys, formatTerm, InvalidArgumentError } from "@coppice/core";
import { checkOptionalFunction } from "./arguments.js";

/**
 * An operation of a client.
 *
 * One operation precedes another when it returned at a smaller position than that at which the other
 * was invoked; all others are concurrent.
 */
export interface Operation<I = unknown, O = unknown> {
  /** Who invoked it; what one client invokes is in the order of its program. */
  readonly client: string;
  readonly input: I;
  /** What it returned; of no meaning while it is pending. */
  readonly output?: O;
  readonly invokedAt: number;
  /** `undefined`: pending. It timed out, or its client ended: it may take effect later, or never. */
  readonly returnedAt?: number | undefined;
}

/** What became of an operation that did not return. */
export type Failure =
  /** Nobody knows whether it took effect, or will. */
  | "pending"
  /** It certainly has no effect: it is left out of the history. */
  | "refused";

/** Writes down operations. */
export interface History<I = unknown, O = unknown> {
  /** Those that were invoked, in that order, without those that were refused. */
  readonly operations: readonly Operation<I, O>[];
  /**
   * Invokes an operation; the function returned is to be called with its output when it has returned.
   * What is never called is pending. A second call changes nothing.
   */
  invoke(client: string, input: I): Completion<O>;
  /**
   * Invokes an operation and runs `call`. When that resolves, it returned; when it rejects, the
   * operation is pending, unless `onError` tells of another end.
   */
  call<R extends O>(client: string, input: I, call: () => PromiseLike<R> | R): Promise<R>;
}

export interface Completion<O> {
  (output: O): void;
  /** It certainly had no effect. */
  refused(): void;
}

export interface HistoryOptions<O> {
  /**
   * What an error of a call says of its operation: `"pending"`, which is what holds for a timeout;
   * `"refused"` when it cannot have taken effect; or `{ output }` when the error is an answer.
   * `"pending"` by default.
   */
  readonly onError?: (error: unknown) => Failure | { readonly output: O };
  /** Told of each call and each return when it happens: for who has to know that their order counts. */
  readonly onPosition?: (what: "invoked" | "returned") => void;
}

/**
 * Makes an empty history.
 *
 * @throws InvalidArgumentError an option is unknown, or an argument of the wrong kind
 * @example
 * import { createHistory } from "@coppice/testkit";
 * const history = createHistory<string, number>();
 * const completed = history.invoke("a", "read");
 * await history.call("b", "read", async () => 1);
 * completed(0);
 * history.operations.map(({ client, invokedAt, returnedAt }) => [client, invokedAt, returnedAt]);
 * // => [["a", 0, 3], ["b", 1, 2]]
 */
export function createHistory<I = unknown, O = unknown>(
  options: HistoryOptions<O> = {},
): History<I, O> {
  checkKeys("createHistory: options", options, ["onError", "onPosition"]);
  checkOptionalFunction("createHistory: options.onError", options.onError);
  checkOptionalFunction("createHistory: options.onPosition", options.onPosition);
  return new Recorder(options);
}

interface Entry<I, O> {
  readonly client: string;
  readonly input: I;
  output?: O;
  readonly invokedAt: number;
  returnedAt: number | undefined;
}

class Recorder<I, O> implements History<I, O> {
  readonly #onError: (error: unknown) => Failure | { readonly output: O };
  readonly #onPosition: (what: "invoked" | "returned") => void;
  #operations: Entry<I, O>[] = [];
  /** Counts invocations and returns alike, so that no two happen at one position. */
  #position = 0;

  constructor({ onError = () => "pending", onPosition = () => undefined }: HistoryOptions<O>) {
    this.#onError = onError;
    this.#onPosition = onPosition;
  }

  get operations(): readonly Operation<I, O>[] {
    return this.#operations.map((entry) => ({ ...entry }));
  }

  invoke(client: string, input: I): Completion<O> {
    if (typeof client !== "string") {
      throw new InvalidArgumentError("history: client", "a string", client);
    }
    const entry: Entry<I, O> = {
      client,
      input,
      invokedAt: this.#position++,
      returnedAt: undefined,
    };
    this.#operations.push(entry);
    this.#onPosition("invoked");
    let open = true;
    const completed = (output: O): void => {
      if (!open) return;
      open = false;
      entry.output = output;
      entry.returnedAt = this.#position++;
      this.#onPosition("returned");
    };
    const refused = (): void => {
      if (!open) return;
      open = false;
      this.#operations = this.#operations.filter((other) => other !== entry);
    };
    return Object.assign(completed, { refused });
  }

  async call<R extends O>(client: string, input: I, call: () => PromiseLike<R> | R): Promise<R> {
    checkFunction("history.call: call", call);
    const completed = this.invoke(client, input);
    let output: R;
    try {
      output = await call();
    } catch (error) {
      const end = this.#onError(error);
      if (end === "refused") completed.refused();
      else if (end !== "pending") completed(end.output);
      throw error;
    }
    completed(output);
    return output;
  }
}

/**
 * The history as a table, one line for each operation, oldest first.
 *
 * @param describe how an operation is written; `input → output` by default
 */
export function formatHistory<I, O>(
  operations: readonly Operation<I, O>[],
  describe: (operation: Operation<I, O>) => string = describeOperation,
): string {
  return operations
    .map((operation) => {
      const until = operation.returnedAt === undefined ? "…" : String(operation.returnedAt);
      return `${operation.client} [${operation.invokedAt}, ${until}] ${describe(operation)}`;
    })
    .join("\n");
}

/** `{"read":"x"} → 1`, or `{"read":"x"} → ?` while it is pending. */
export function describeOperation({ input, output, returnedAt }: Operation): string {
  const write = (value: unknown): string => (typeof value === "string" ? value : formatTerm(value));
  return `${write(input)} → ${returnedAt === undefined ? "?" : write(output)}`;
}
