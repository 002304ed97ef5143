/**
 * Strategies: which children stop and start because one of them failed.
 *
 * OTP: https://www.erlang.org/doc/system/sup_princ.html#restart-strategy
 */

export type Strategy = "one_for_one" | "one_for_all" | "rest_for_one";

/**
 * The children that share the fate of `failedId`, the failed one included, in start order. They stop
 * last one first, and start first one first.
 *
 * | strategy | children `a b c d`, `b` fails |
 * | --- | --- |
 * | `"one_for_one"` | `b` |
 * | `"rest_for_one"` | `b c d` |
 * | `"one_for_all"` | `a b c d` |
 */
export function affectedBy<C extends { readonly id: string }>(
  strategy: Strategy,
  startOrder: readonly C[],
  failedId: string,
): readonly C[] {
  switch (strategy) {
    case "one_for_one":
      return startOrder.filter(({ id }) => id === failedId);
    case "one_for_all":
      return startOrder;
    case "rest_for_one": {
      const failed = startOrder.findIndex(({ id }) => id === failedId);
      return failed === -1 ? [] : startOrder.slice(failed);
    }
    default:
      return strategy satisfies never;
  }
}
