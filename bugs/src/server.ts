/** A server as small as can be: one function for each type of message, and for each type of request. */
import type { Call, From, Handler, HandlerSelf } from "@coppice/core";

/** A request `{ type: T, … }` that is answered with an `R`. */
export type Ask<T extends string, R, F = unknown> = Call<{ readonly type: T } & F, R>;

/** A message `{ type: T, … }` that is not answered. */
export type Tell<T extends string, F = unknown> = { readonly type: T } & F;

type Told<M> = Exclude<M, { readonly type: "call" }> & { readonly type: string };
type Asked<M> = Extract<M, { readonly type: "call" }> & {
  readonly request: { readonly type: string };
};
type Handled = void | Promise<void>;

export type Handlers<M> = {
  readonly [T in Told<M> as T["type"]]: (self: HandlerSelf<M>, message: T) => Handled;
} & {
  readonly [Q in Asked<M> as Q["request"]["type"]]: (
    self: HandlerSelf<M>,
    request: Q["request"],
    from: Q extends Call<never, infer R> ? From<R> : never,
  ) => Handled;
};

type AnyHandler = (self: unknown, message: unknown, from: unknown) => Handled;

/** Its state is what the handlers close over. A message that has no handler is a crash. */
export function server<M>(
  handlers: Handlers<M>,
  init: (self: HandlerSelf<M>) => void = () => undefined,
): Handler<M, void> {
  const table = handlers as unknown as Readonly<Record<string, AnyHandler>>;
  return {
    init,
    message(_state, message, self) {
      const { type } = message as { readonly type: string };
      if (type !== "call") return table[type]?.(self, message, undefined);
      const { request, from } = message as unknown as Call<{ readonly type: string }, unknown>;
      return table[request.type]?.(self, request, from);
    },
  };
}
