/**
 * The ops of the layer `gen_statem`: state machines that follow a rule table, and their clients.
 *
 * OTP: https://www.erlang.org/doc/man/gen_statem.html
 */
import { isCrash, StartError, type ExitReason, type MonitorRef } from "@coppice/core";
import { sys } from "@coppice/supervisor";
import { asClient } from "./client.js";
import { HANDLE, machineIn } from "./machine-request.js";
import { MachineTable } from "./machine-table.js";
import type { OpCall, OpDefinition, OpTable } from "./op.js";
import { processOps } from "./process-ops.js";
import type { JsonObject } from "./program.js";
import { ScriptedMachine } from "./scripted-machine.js";
import { stopOp, timeoutIn } from "./stop-op.js";
import { sysOp } from "./sys-op.js";
import type { Value } from "./term.js";
import { nameOf, targetOf, termOfReason } from "./translation.js";

export const genStatemOps: OpTable = new Map([
  ...processOps,
  ...Object.entries<OpDefinition>({
    sm_start: { needs: ["as", "machine"], run: start },
    sm_call: {
      needs: ["to", "msg"],
      run: (call) => asClient("gen_statem", "call", () => callMachine(call), call.term("to")),
    },
    sm_cast: {
      needs: ["to", "msg"],
      run(call) {
        call.self.cast(machineIn(call), [HANDLE, call.term("msg")]);
        return "ok";
      },
    },
    sm_stop: stopOp,
    sys: { needs: sysOp.needs, run: system },
  }),
]);

async function start(call: OpCall): Promise<Value> {
  const { op, self, actor, scope } = call;
  const { world, step } = actor;
  const json = typeof op.machine === "string" ? world.machines[op.machine] : op.machine;
  const { behaviour } = new ScriptedMachine(world, {
    name: op.as as string,
    table: new MachineTable((json ?? {}) as JsonObject),
    step,
    scope: new Map(scope),
  });
  const { how = "start_link" } = op;
  const options = {
    link: how === "start_link",
    ...(call.has("name") && { name: nameOf(call.term("name")) as never }),
    ...(call.has("timeout") && { timeoutMs: timeoutIn(call, Infinity) }),
  };
  try {
    if (how !== "start_monitor") {
      return ["ok", call.bind(op.as, await self.startOpt(options, behaviour))];
    }
    const { pid, ref } = await self.startOpt({ ...options, monitor: true }, behaviour);
    return ["ok", [call.bind(op.as, pid), call.bind(op.monitor, ref as MonitorRef)]];
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return error.reason === "ignore" ? "ignore" : ["error", termOfStartFailure(error.reason)];
  }
}

/** Its address for further replies holds as long as in Erlang: till it returns, or without a timeout for ever. */
async function callMachine(call: OpCall): Promise<Value> {
  const { self } = call;
  const timeoutMs = timeoutIn(call, Infinity);
  const afterwards = self.alias();
  const request = [HANDLE, call.term("msg"), afterwards] as const;
  try {
    return await self.call(machineIn(call), request, { timeoutMs });
  } finally {
    if (timeoutMs < Infinity) self.unalias(afterwards);
  }
}

/** The bare reason: of an error in `init` its starter gets no stack. */
function termOfStartFailure(reason: ExitReason): Value {
  const term = termOfReason(reason);
  return isCrash(reason) && typeof term === "object" && "crash" in term ? term.crash : term;
}

/** As for any behaviour, but that the state is the pair of state and data. */
async function system(call: OpCall): Promise<Value> {
  const { self, op } = call;
  const target = targetOf(call.term("to"));
  const options = { timeoutMs: timeoutIn(call, 5_000) };
  const pair = ({ state, data }: { readonly state: Value; readonly data: Value }): Value => [
    state,
    data,
  ];
  switch (op.f) {
    case "get_state":
      return asClient("sys", op.f, async () => pair(await sys.getState(self, target, options)));
    case "replace_state": {
      const [state, data] = call.term("value") as readonly [Value, Value];
      const replace = (): { state: Value; data: Value } => ({ state, data });
      return asClient("sys", op.f, async () =>
        pair(await sys.replaceState(self, target, replace, options)),
      );
    }
    case "get_status": {
      const [status, pid, , ...more] = (await sysOp.run(call)) as readonly Value[];
      return [status as Value, pid as Value, "gen_statem", ...more];
    }
    default:
      return sysOp.run(call);
  }
}
