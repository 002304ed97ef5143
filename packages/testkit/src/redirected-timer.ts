/** A `setTimeout`, `setInterval` or `setImmediate` of code in a simulation: a timer of the simulation. */
import { keyOf, type Access, type AnyPid, type Happening, type HappeningKey } from "@coppice/core";

export class RedirectedTimer implements Happening {
  readonly kind = "timer";
  readonly #key: HappeningKey;
  readonly #call: () => void;
  readonly actorPid: AnyPid;
  readonly senderPid = undefined;
  readonly access: Access;
  readonly atMs: number;
  readonly task: object;
  readonly isFirst = true;
  isLoose = false;
  readonly next = undefined;
  readonly isMessage = false;
  readonly message = undefined;
  order = 0;
  creator = 0;

  constructor(
    key: HappeningKey,
    owner: AnyPid,
    access: Access,
    atMs: number,
    task: object,
    call: () => void,
  ) {
    this.#key = key;
    this.actorPid = owner;
    this.access = access;
    this.atMs = atMs;
    this.task = task;
    this.#call = call;
  }

  get key(): string {
    return this.#key.text;
  }

  get keyHash(): number {
    return this.#key.hash;
  }

  get keyId(): number {
    return this.#key.id;
  }

  get channel(): string {
    return this.#key.text;
  }

  get actor(): string {
    return keyOf(this.actorPid);
  }

  /** What its function does nobody knows: so none is like another. */
  get content(): unknown {
    return ["timeout", this.key];
  }

  describe(): string {
    return `timeout at ${this.atMs} ms`;
  }

  run(): void {
    this.#call();
  }

  drop(): void {
    // Nobody else keeps it.
  }

  duplicate(): void {
    // It is no message.
  }
}

/** What code gets back from `setTimeout` and its like; as in Node. */
export class TimeoutHandle {
  timer: RedirectedTimer | undefined = undefined;
  readonly #again: () => void;

  constructor(again: () => void) {
    this.#again = again;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return this.timer !== undefined;
  }

  refresh(): this {
    this.#again();
    return this;
  }
}
