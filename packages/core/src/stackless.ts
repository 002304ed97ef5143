/** Errors without a stack, for those that no code of a user is on the stack of. */

/** Of V8 and JavaScriptCore, and of no standard: how many calls an error remembers. */
interface StackTraceLimit {
  stackTraceLimit?: number;
}

/**
 * What `make` makes, without the cost of its stack: that is most of what an error costs, and thousands
 * of them may be made at once. Where the engine does not let it be left out it is there.
 */
export function stackless<E extends Error>(make: () => E): E {
  const engine = Error as StackTraceLimit;
  const limit = engine.stackTraceLimit;
  if (typeof limit !== "number" || Object.isFrozen(Error)) return make();
  engine.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    engine.stackTraceLimit = limit;
  }
}
