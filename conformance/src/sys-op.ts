/**
 * Looking into a behaviour of any kind.
 *
 * OTP: https://www.erlang.org/doc/man/sys.html
 */
import { isPid, type AnyPid } from "@coppice/core";
import { defineServer, NotSuspendedError, sys } from "@coppice/supervisor";
import type { Changeable } from "./changeable.js";
import { asClient } from "./client.js";
import type { OpCall, OpDefinition } from "./op.js";
import { timeoutIn } from "./stop-op.js";
import type { Value } from "./term.js";
import { reasonOfTerm, targetOf } from "./translation.js";

export const sysOp: OpDefinition = {
  needs: ["to", "f"],
  run: (call) => asClient("sys", call.op.f as string, () => request(call), call.term("to")),
};

async function request(call: OpCall): Promise<Value> {
  const { self } = call;
  const target = targetOf(call.term("to"));
  const options = { timeoutMs: timeoutIn(call, 5_000) };
  const f = call.op.f as string;
  switch (f) {
    case "get_state":
      return sys.getState<Value>(self, target, options);
    case "replace_state": {
      const value = call.term("value");
      return sys.replaceState<Value>(self, target, () => value, options);
    }
    case "suspend":
      await sys.suspend(self, target, options);
      return "ok";
    case "resume":
      await sys.resume(self, target, options);
      return "ok";
    case "terminate":
      await sys.terminate(self, target, reasonOfTerm(call.term("reason")), options);
      return "ok";
    case "change_code":
      return changeCode(call, target, options);
    case "get_status": {
      const { pid, kind, parent, activity } = await sys.getStatus(self, target, options);
      // In Erlang one without a parent is its own.
      return ["status", pid, kind, activity, parent ?? pid];
    }
    default:
      throw new TypeError(`no such function of sys: ${f}`);
  }
}

async function changeCode(
  call: OpCall,
  target: ReturnType<typeof targetOf>,
  options: { readonly timeoutMs: number },
): Promise<Value> {
  const { self, actor } = call;
  const pid = isPid(target) ? target : "node" in target ? undefined : self.whereis(target);
  const { behaviour, migrate } = changeableOf(actor.world.behaviours, pid, call.term("value"));
  try {
    await sys.changeCode(self, target, behaviour, { ...options, migrate });
    return "ok";
  } catch (error) {
    if (error instanceof NotSuspendedError) return ["error", "unknown_system_msg"];
    throw error;
  }
}

/** The same code again; any, where nobody is to change his. */
function changeableOf(
  behaviours: ReadonlyMap<AnyPid, Changeable>,
  pid: AnyPid | undefined,
  extra: Value,
): { behaviour: Changeable["behaviour"]; migrate: (state: never) => unknown } {
  const changeable = pid === undefined ? undefined : behaviours.get(pid);
  return {
    behaviour: changeable?.behaviour ?? defineServer({ init: () => null }),
    migrate: changeable?.migrate(extra) ?? (() => extra),
  };
}
