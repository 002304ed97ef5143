/**
 * Matchers for vitest.
 *
 * Importing this file tells the compiler of them, in vitest's `expect`.
 */
// oxlint-disable-next-line import/no-empty-named-blocks -- so that the compiler finds what is added to
import type {} from "vitest";
import type { CoppiceMatchers } from "./coppice-matchers.js";

export { coppiceMatchers, type CoppiceMatchers } from "./coppice-matchers.js";

declare module "vitest" {
  // oxlint-disable-next-line typescript/no-explicit-any -- as vitest declares it
  interface Matchers<T = any> extends CoppiceMatchers<
    T extends PromiseLike<unknown> ? Promise<void> : void
  > {}
}
