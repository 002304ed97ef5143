/**
 * A store of names that a user made, as the rest of this package sees it: it answers in time, says what has the right
 * form or nothing, and what fails in it is told and ends neither a process nor the program.
 */
import {
  formatThrown,
  InvalidArgumentError,
  isPid,
  reportFor,
  type AnyPid,
  type Clock,
  type Node,
} from "@coppice/core";
import { Observable, share } from "rxjs";
import { NameTimeoutError } from "./errors.js";
import type { NameClaim, NameEvent, NameHolder, NameStore } from "./name-store.js";

export class OwnStore implements NameStore {
  readonly #store: NameStore;
  readonly #node: Node;
  readonly #clock: Clock;
  /** Of the tenures that somebody was told of, and that are not released. */
  readonly #tokens = new Map<string, number>();
  readonly events: Observable<NameEvent>;

  constructor(node: Node, clock: Clock, store: NameStore) {
    this.#node = node;
    this.#clock = clock;
    this.#store = store;
    // What is wrong with them is told once, however many listen.
    const events = new Observable<NameEvent>((subscriber) =>
      store.events.subscribe({
        next: (event) => {
          if (isNameEvent(event)) subscriber.next(event);
          else this.#failed("said what is no event of a name", event);
        },
        error: (error: unknown) => {
          this.#failed("tells no more who has lost a name", error);
          subscriber.complete();
        },
        complete: () => subscriber.complete(),
      }),
    );
    this.events = events.pipe(share());
  }

  claim(name: string, pid: AnyPid, timeoutMs: number): Promise<NameClaim> {
    return new Promise((resolve, reject) => {
      let isLate = false;
      const late = (): void => {
        isLate = true;
        reject(new NameTimeoutError(name, timeoutMs));
      };
      const timer = timeoutMs === Infinity ? undefined : this.#clock.set(late, timeoutMs);
      const answered = (claim: unknown): void => {
        const checked = checkClaim(claim);
        if ("token" in checked) {
          const { token } = checked;
          // Who asked was told that it does not have it; unless it asked again, and had it by then.
          if (isLate && this.#tokens.get(name) !== token) this.release(name, { pid, token });
          if (!isLate) this.#tokens.set(name, token);
        }
        resolve(checked);
      };
      // Also what it throws at once.
      void new Promise<unknown>((claimed) => claimed(this.#store.claim(name, pid, timeoutMs)))
        .finally(() => timer !== undefined && this.#clock.clear(timer))
        .then(answered)
        .catch(reject);
    });
  }

  release(name: string, holder: NameHolder): void {
    if (this.#tokens.get(name) === holder.token) this.#tokens.delete(name);
    // It says nothing; but may have been written so that it does.
    void new Promise<unknown>((done) => done(this.#store.release(name, holder))).catch(
      (error: unknown) => this.#failed(`did not release ${JSON.stringify(name)}`, error),
    );
  }

  find(name: string): NameHolder | undefined {
    const found: unknown = this.#store.find(name);
    if (found === undefined || isHolder(found)) return found;
    throw new InvalidArgumentError("names.store: what find returned", HOLDER, found);
  }

  #failed(what: string, error: unknown): void {
    const why = formatThrown(error);
    reportFor(this.#node, {
      level: "error",
      data: { type: "nameStoreFailed", what, error },
      format: () => `the store of names ${what}: ${why}`,
    });
  }
}

const HOLDER = "{ pid, token }, or undefined";

function isHolder(value: unknown): value is NameHolder {
  const { pid, token } = Object(value) as Partial<NameHolder>;
  return isPid(pid) && typeof token === "number";
}

function isNameEvent(value: unknown): value is NameEvent {
  const { type, name, holder } = Object(value) as Partial<NameEvent>;
  const types: unknown[] = ["registered", "unregistered", "lost"];
  return types.includes(type) && typeof name === "string" && isHolder(holder);
}

function checkClaim(claim: unknown): NameClaim {
  const { token, takenBy } = Object(claim) as { readonly token?: unknown; takenBy?: unknown };
  if (typeof token === "number") return { token };
  if (isPid(takenBy)) return { takenBy };
  const expected = "{ token }, a number, or { takenBy }, a pid";
  throw new InvalidArgumentError("names.store: what claim gave", expected, claim);
}
