/** In place of a reply: the call fails with this error. */
export class Refusal {
  readonly #error: unknown;

  constructor(error: unknown) {
    this.#error = error;
  }

  get error(): unknown {
    return this.#error;
  }

  /** Asks nothing of what it is given: a reply may be a proxy, which may throw by `instanceof`. */
  static is(value: unknown): value is Refusal {
    return typeof value === "object" && value !== null && #error in value;
  }
}
