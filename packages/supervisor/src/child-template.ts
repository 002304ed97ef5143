/**
 * Child templates: what all children of a dynamic supervisor have in common.
 *
 * OTP: https://www.erlang.org/doc/design_principles/sup_princ.html#simplified-one_for_one-supervisors
 */
import type { Body, Handler, Startable } from "@coppice/core";
import { checkChildSpec } from "./child-spec-check.js";
import { optionsOf, type ChildOptions, type ChildSpec, type Program } from "./child-spec.js";

/** Carries the arguments that each start adds; never present at run time. */
declare const CHILD_ARGUMENTS: unique symbol;

/** A child as data, but for the last of its arguments: each start adds those, which are `A`. */
export interface ChildTemplate<
  in M = never,
  in A extends readonly unknown[] = [],
> extends ChildSpec<M> {
  readonly [CHILD_ARGUMENTS]?: (args: A) => void;
}

/** What `childTemplate` needs besides the program. No name: two children could not both have it. */
export type TemplateOptions = Omit<ChildOptions, "name">;

/**
 * Makes a template; the compiler checks the arguments given here against the program, and those given
 * at each start, too.
 *
 * @param idOrOptions what its children are called, or all that is to be said besides the program
 * @param first the arguments that are the same for all children; those of a start follow them
 * @throws InvalidChildSpecError a field is not as it has to be
 * @example
 * import { childTemplate } from "@coppice/supervisor";
 * import type { Self } from "@coppice/core";
 * async function session(self: Self<string>, server: string, user: number) {
 *   for (;;) await self.receive();
 * }
 * childTemplate({ id: "session", restart: "temporary" }, session, "eu").restart; // => "temporary"
 */
export function childTemplate<
  M,
  F extends readonly unknown[] = [],
  A extends readonly unknown[] = [],
>(
  idOrOptions: string | TemplateOptions,
  body: Body<M, [...F, ...A]>,
  ...first: F
): ChildTemplate<M, A>;
export function childTemplate<
  M,
  F extends readonly unknown[] = [],
  A extends readonly unknown[] = [],
>(
  idOrOptions: string | TemplateOptions,
  behaviour: Startable<M, [...F, ...A]>,
  ...first: F
): ChildTemplate<M, A>;
export function childTemplate<
  M,
  S = unknown,
  F extends readonly unknown[] = [],
  A extends readonly unknown[] = [],
>(
  idOrOptions: string | TemplateOptions,
  handler: Handler<M, S, [...F, ...A]>,
  ...first: F
): ChildTemplate<M, A>;
export function childTemplate(
  idOrOptions: string | TemplateOptions,
  program: Program,
  ...first: unknown[]
): ChildTemplate<never, never> {
  const options = optionsOf(idOrOptions);
  const template: ChildSpec = { ...options, start: [program, ...first] };
  checkChildSpec(template, "child");
  return template;
}
