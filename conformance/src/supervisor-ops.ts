/**
 * The ops of the layer `supervisor`: supervisors whose children follow scripts.
 *
 * OTP: https://www.erlang.org/doc/man/supervisor.html
 */
import { isName, isPid, StartError, type AnyPid, type Pid } from "@coppice/core";
import {
  checkChildSpecs,
  countChildren,
  deleteChild,
  getChildSpec,
  InvalidChildSpecError,
  restartChild,
  startChild,
  startSupervisor,
  terminateChild,
  UnknownRequestError,
  whichChildren,
  type AutoShutdown,
  type ChildSpec,
  type DynamicSupervisorMessage,
  type SupervisorMessage,
} from "@coppice/supervisor";
import { asClient } from "./client.js";
import { termOfInvalidChild } from "./failure.js";
import type { OpCall, OpDefinition, OpTable } from "./op.js";
import { processOps } from "./process-ops.js";
import type { Json, JsonObject } from "./program.js";
import { Raised } from "./raised.js";
import { ORDER } from "./scripted-worker.js";
import { childOf, childOfTerm, startScripted, type SpecContext } from "./supervisor-spec-json.js";
import { termOfChildren, termOfResult, termOfSpec } from "./supervisor-terms.js";
import { stopOp } from "./stop-op.js";
import { sysOp } from "./sys-op.js";
import { naturalOrder, type Value } from "./term.js";
import { nameOf, targetOf, termOfReason } from "./translation.js";

export const supervisorOps: OpTable = new Map([
  ...processOps,
  ...Object.entries<OpDefinition>({
    sup_start: { needs: ["as", "spec"], run: startLink },
    start_child: { needs: ["sup"], run: start },
    terminate_child: {
      needs: ["sup", "id"],
      run: (call) =>
        ask(call, async (supervisor) =>
          termOfResult(await terminateChild(call.self, supervisor, idOf(call)), theReason),
        ),
    },
    restart_child: {
      needs: ["sup", "id"],
      run: (call) =>
        ask(call, async (supervisor) =>
          termOfResult(await restartChild(call.self, supervisor, idOf(call)), theReason),
        ),
    },
    delete_child: {
      needs: ["sup", "id"],
      run: (call) =>
        ask(call, async (supervisor) =>
          termOfResult(await deleteChild(call.self, supervisor, idOf(call)), theReason),
        ),
    },
    get_childspec: {
      needs: ["sup", "id"],
      run: (call) =>
        ask(call, async (supervisor) =>
          termOfSpec(await getChildSpec(call.self, supervisor, idOf(call))),
        ),
    },
    which_children: {
      needs: ["sup"],
      run: (call) =>
        ask(call, async (supervisor) => {
          const isDynamic = isDynamicSupervisor(call, supervisor);
          const children = termOfChildren(await whichChildren(call.self, supervisor), isDynamic);
          return { list: isDynamic ? inOrderOfPids(call, children) : children };
        }),
    },
    count_children: {
      needs: ["sup"],
      run: (call) =>
        ask(call, async (supervisor) => {
          const { specs, active, supervisors, workers } = await countChildren(
            call.self,
            supervisor,
          );
          return [specs, active, supervisors, workers];
        }),
    },
    check_childspecs: { needs: ["specs"], run: check },
    child_do: { needs: ["who", "do"], run: order },
    gs_stop: stopOp,
    sys: sysOp,
  }),
]);

/** A supervisor of either kind; what is asked of it is what that kind understands. */
type SupervisorTarget = Pid<
  SupervisorMessage | DynamicSupervisorMessage<unknown, readonly unknown[]>
>;

/** What an operation on a supervisor returns; without an answer it exits as any call. */
function ask(
  call: OpCall,
  operation: (supervisor: SupervisorTarget) => Promise<Value>,
): Promise<Value> {
  const supervisor = targetOf(call.term("sup")) as SupervisorTarget;
  const asked = async (): Promise<Value> => {
    try {
      return await operation(supervisor);
    } catch (error) {
      // One whose children have ids does not understand what is asked of a child by its pid.
      if (error instanceof UnknownRequestError) return ["error", "not_found"];
      throw error;
    }
  };
  return asClient("gen_server", "call", asked, call.term("sup"));
}

function theReason(reason: Value): Value {
  return reason;
}

/** An id, or a child's pid: who is asked knows which it wants. */
function idOf(call: OpCall): string {
  return call.term("id") as string;
}

async function startLink(call: OpCall): Promise<Value> {
  const { op, self } = call;
  const options = call.has("name") ? { name: nameOf(call.term("name")) } : {};
  try {
    const pid = await startScripted(
      op.as as string,
      op.spec as JsonObject,
      contextOf(call),
      self.pid,
      (definition) => startSupervisor(self, definition, options),
    );
    return ["ok", pid];
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return error.reason === "ignore" ? "ignore" : ["error", termOfReason(error.reason)];
  }
}

function start(call: OpCall): Promise<Value> {
  return ask(call, async (supervisor) => {
    try {
      if (call.has("args")) {
        const args = (call.op.args as readonly Json[]).map((argument) => call.decode(argument));
        return termOfResult(await startChild(call.self, supervisor, args), theReason);
      }
      const spec = specIn(call);
      const added = (reason: Value): Value => [reason, { child: spec.id }];
      return termOfResult(await startChild(call.self, supervisor, spec), added);
    } catch (error) {
      return refusalOf(error);
    }
  });
}

function specIn(call: OpCall): ChildSpec {
  if (call.has("child")) return childOf(call.op.child as JsonObject, contextOf(call));
  return childOfTerm(call.term("raw"));
}

function isDynamicSupervisor({ self, actor }: OpCall, supervisor: SupervisorTarget): boolean {
  const target: unknown = supervisor;
  const pid = isPid(target) ? target : isName(target) ? self.whereis(target) : undefined;
  const instance = pid === undefined ? undefined : actor.world.instances.of(pid);
  return instance?.kind === "dynamic_supervisor";
}

/** Those of a dynamic supervisor have no order in Erlang. */
function inOrderOfPids({ actor }: OpCall, children: [Value, Value, Value][]): Value[] {
  const written = new Map(children.map((child) => [child, actor.world.encode(child)]));
  return children.sort((a, b) => naturalOrder(written.get(a) ?? null, written.get(b) ?? null));
}

/** What is said of a specification that is none. */
function refusalOf(error: unknown): Value {
  if (error instanceof InvalidChildSpecError) return ["error", termOfInvalidChild(error)];
  if (error instanceof Raised && error.class === "error") return ["error", error.reason];
  throw error;
}

function check(call: OpCall): Value {
  try {
    const children = (call.op.specs as readonly Json[]).map((spec) =>
      childOfTerm(call.decode(spec)),
    );
    const autoShutdown = call.has("auto_shutdown") ? call.term("auto_shutdown") : undefined;
    const result = checkChildSpecs(children, autoShutdown as AutoShutdown | undefined);
    return result.ok ? "ok" : refusalOf(result.error);
  } catch (error) {
    return refusalOf(error);
  }
}

function order(call: OpCall): Value {
  const who = call.term("who");
  const [kind, reason = null] = call.op.do as readonly Json[];
  if (isPid(who))
    call.self.send(who as AnyPid as Pid<Value>, [ORDER, kind as string, call.decode(reason)]);
  return "ok";
}

function contextOf({ actor, scope }: OpCall): SpecContext {
  return { world: actor.world, scope };
}
