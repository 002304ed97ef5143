/**
 * From the name of a node to a connection that begins: where it is, and who dials that. What users say here,
 * whatever it is, is a reason why a node cannot be reached, and nothing worse.
 */
import { formatThrown, type Clock } from "@coppice/core";
import { UnreachableError } from "./errors.js";
import { shownAddress } from "./shown-address.js";
import type { Dialler, Transport } from "./transport.js";

export type Resolve = (node: string) => string | undefined | PromiseLike<string | undefined>;

/** Questions to `resolve` that are not answered yet: what to do when the answers are not wanted any more. */
export type Asked = Set<() => void>;

/**
 * Where `node` is, as `resolve` says: at once if it can, else within `timeoutMs`.
 *
 * @param asked has the question in it as long as it is open
 * @throws UnreachableError nobody knows, or the answer is none
 */
export function whereIs(
  node: string,
  resolve: Resolve,
  clock: Clock,
  timeoutMs: number,
  asked: Asked,
): string | Promise<string> {
  const checked = (address: unknown): string => {
    if (typeof address === "string") return address;
    const isMissing = address === undefined || address === null;
    const why = isMissing ? "nobody knows its address" : "resolve: the answer is no text";
    throw new UnreachableError(node, why);
  };
  const failed = (error: unknown): UnreachableError =>
    new UnreachableError(node, `resolve: ${formatThrown(error)}`, undefined, { cause: error });
  let answer: ReturnType<Resolve>;
  try {
    answer = resolve(node);
  } catch (error) {
    throw failed(error);
  }
  if (typeof (answer as PromiseLike<string> | null | undefined)?.then !== "function") {
    return checked(answer);
  }
  return new Promise((found, reject) => {
    const over = (): void => {
      clock.clear(timer);
      asked.delete(giveUp);
    };
    const giveUp = (): void => {
      over();
      reject(new UnreachableError(node, "the node stops"));
    };
    const timer = clock.set(() => {
      over();
      reject(new UnreachableError(node, `resolve: no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    asked.add(giveUp);
    Promise.resolve(answer)
      .finally(over)
      .then(
        (address) => {
          try {
            found(checked(address));
          } catch (error) {
            reject(error as Error);
          }
        },
        (error: unknown) => reject(failed(error)),
      );
  });
}

/** Does anybody know how to dial that? */
export function canDial(diallers: readonly Dialler[], address: string): boolean {
  return diallers.some((one) => one.accepts(address));
}

/** Begins to dial, or says why that cannot be done. */
export function dialWith(diallers: readonly Dialler[], address: string): Transport | string {
  try {
    const dialler = diallers.find((one) => one.accepts(address));
    return dialler?.dial(address) ?? "nobody knows how to dial that";
  } catch (error) {
    return `${shownAddress(address)}: ${formatThrown(error)}`;
  }
}
