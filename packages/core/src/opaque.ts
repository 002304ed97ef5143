/**
 * Opaque values: passed on as they are, by every isolation mode.
 *
 * For what processes of one node hand each other and none of them changes, such as code. It cannot be
 * sent to another node.
 */

/** What `opaque` made. */
export interface Opaque<T> {
  readonly value: T;
}

class OpaqueValue<T> implements Opaque<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  static is(value: unknown): boolean {
    return typeof value === "object" && value !== null && #value in value;
  }
}

/**
 * Wraps a value that is neither cloned nor frozen when it is sent within a node.
 *
 * @example
 * import { createNode, opaque, type Call, type Opaque } from "@coppice/core";
 * const node = createNode({ messages: "clone" });
 * const pid = node.spawn<Call<Opaque<() => string>, string>>(async (self) => {
 *   const { request, from } = await self.receive();
 *   self.reply(from, request.value());
 * });
 * await node.call(pid, opaque(() => "done")); // => "done"
 * await node.stop();
 */
export function opaque<T>(value: T): Opaque<T> {
  return new OpaqueValue(value);
}

export function isOpaqueValue(value: unknown): boolean {
  return OpaqueValue.is(value);
}
