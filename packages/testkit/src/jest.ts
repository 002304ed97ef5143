/**
 * Matchers for jest.
 *
 * Importing this file tells the compiler of them, in `@jest/globals` and in the global `expect`.
 */
// oxlint-disable-next-line import/no-empty-named-blocks -- so that the compiler finds what is added to
import type {} from "expect";
import type { CoppiceMatchers } from "./coppice-matchers.js";

export { coppiceMatchers, type CoppiceMatchers } from "./coppice-matchers.js";

declare module "expect" {
  interface Matchers<R extends void | Promise<void>, T = unknown> extends CoppiceMatchers<R> {
    // Its parameters have to be those of the original.
    readonly [TESTED]?: T;
  }
}

declare global {
  namespace jest {
    // oxlint-disable-next-line typescript/no-unused-vars -- as @types/jest declares it
    interface Matchers<R, T = {}> extends CoppiceMatchers<R> {}
  }
}

declare const TESTED: unique symbol;
