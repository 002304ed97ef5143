/**
 * The ops of the layer `gen_event`: event managers with handlers that follow directives.
 *
 * OTP: https://www.erlang.org/doc/man/gen_event.html
 */
import { StartError, type AnyPid, type Pid } from "@coppice/core";
import {
  addHandler,
  addSupervisedHandler,
  callHandler,
  defineEventManager,
  deleteHandler,
  EventHandlerFailedError,
  NoEventHandlerError,
  notify,
  swapHandler,
  swapSupervisedHandler,
  syncNotify,
  sys,
  whichHandlers,
  type EventHandlerOwner,
  type EventHandlerState,
  type EventManagerProtocol,
} from "@coppice/supervisor";
import { asClient, failureOfCall, nodeDown } from "./client.js";
import { directiveIn } from "./directive.js";
import { termOfFailedCallback, termOfHandler } from "./gen-event-terms.js";
import type { OpCall, OpDefinition, OpTable } from "./op.js";
import { processOps } from "./process-ops.js";
import type { JsonObject } from "./program.js";
import { Raised } from "./raised.js";
import {
  handlerWithId,
  scriptedHandler,
  type AnyScriptedHandler,
} from "./scripted-event-handler.js";
import { FOLLOW } from "./scripted-server.js";
import { stopOp, timeoutIn } from "./stop-op.js";
import { sysOp } from "./sys-op.js";
import { CALLBACK_MODULE, type Value } from "./term.js";
import { addressOf, nameOf, targetOf, termOfReason } from "./translation.js";

type Manager = Pid<EventManagerProtocol<unknown, unknown>>;

export const genEventOps: OpTable = new Map([
  ...processOps,
  ...Object.entries<OpDefinition>({
    ge_start: { needs: ["as"], run: start },
    ge_add: { needs: ["to", "h"], run: add },
    ge_delete: { needs: ["to", "h"], run: remove },
    ge_swap: { needs: ["to", "h", "h2"], run: swap },
    ge_notify: {
      needs: ["to"],
      run(call) {
        notify(call.self, managerOf(call), directiveIn(call, "ev"));
        return "ok";
      },
    },
    ge_sync_notify: {
      needs: ["to"],
      run: (call) =>
        ask(call, async () => {
          await syncNotify(call.self, managerOf(call), directiveIn(call, "ev"));
          return "ok";
        }),
    },
    ge_info: {
      needs: ["to"],
      run(call) {
        call.self.send(addressOf(call.term("to")), directiveIn(call, "ev"));
        return "ok";
      },
    },
    ge_call: { needs: ["to", "h", "d"], run: callOne },
    ge_which: {
      needs: ["to"],
      run: (call) =>
        ask(call, async () => {
          const ids = await whichHandlers(call.self, managerOf(call));
          return { list: ids.map(termOfHandler) };
        }),
    },
    ge_stop: stopOp,
    sys: { needs: sysOp.needs, run: (call) => statesOp(call) ?? sysOp.run(call) },
  }),
]);

const manager = defineEventManager<unknown, unknown>();

function managerOf(call: OpCall): Manager {
  return targetOf(call.term("to")) as Manager;
}

/** What a function returns that is no call to a handler: its exits say no more than why. */
async function ask(call: OpCall, operation: () => Promise<Value>): Promise<Value> {
  try {
    return await operation();
  } catch (error) {
    const failure = failureOfCall(error);
    if (failure === undefined) throw error;
    throw new Raised("exit", failure === "noconnection" ? nodeDown(call.term("to")) : failure);
  }
}

/** What `sys` tells of the state of an event manager; `undefined` when that is not what is asked for. */
function statesOp(call: OpCall): Promise<Value> | undefined {
  const { self, op } = call;
  const f = op.f as string;
  if (f !== "get_state" && f !== "replace_state") return undefined;
  const options = { timeoutMs: timeoutIn(call, 5_000) };
  const request = async (): Promise<Value> => {
    const states = await sys.getState<readonly EventHandlerState[]>(self, managerOf(call), options);
    // A function that does not return what it was given, in its form, replaces nothing.
    return {
      list: states.map(({ handler, state }) => [
        CALLBACK_MODULE,
        termOfHandler(handler),
        state as Value,
      ]),
    };
  };
  return asClient("sys", f, request, call.term("to"));
}

async function start(call: OpCall): Promise<Value> {
  const { op, self } = call;
  const { how = "start_link" } = op;
  const options = {
    link: how === "start_link",
    ...(call.has("name") && { name: nameOf(call.term("name")) as never }),
  };
  try {
    if (how !== "start_monitor") {
      const pid = await self.startOpt(options, manager);
      return ["ok", call.bind(op.as, changeable(call, pid))];
    }
    const { pid, ref } = await self.startOpt({ ...options, monitor: true }, manager);
    return ["ok", [call.bind(op.as, changeable(call, pid)), call.bind(op.monitor, ref)]];
  } catch (error) {
    if (error instanceof StartError) return ["error", termOfReason(error.reason)];
    throw error;
  }
}

/** Its code can be changed; handlers of the module that a program names there are none. */
function changeable<P extends AnyPid>(call: OpCall, pid: P): P {
  const migrate = () => (state: never) => state;
  call.actor.world.behaviours.set(pid, { behaviour: manager, migrate });
  return pid;
}

/** The handler that an op adds, in field `id`. */
function handlerIn(call: OpCall, id: string): AnyScriptedHandler {
  const on = (call.op.on ?? {}) as JsonObject;
  const script = { id: call.term(id), init: directiveIn(call, "init"), on };
  return scriptedHandler(call.actor.world, script);
}

function add(call: OpCall): Promise<Value> {
  const handler = handlerIn(call, "h");
  return ask(call, async () => {
    try {
      if (call.op.sup === true) {
        await addSupervisedHandler(call.self as EventHandlerOwner, managerOf(call), handler);
      } else await addHandler(call.self, managerOf(call), handler);
      return "ok";
    } catch (error) {
      if (error instanceof EventHandlerFailedError) return termOfFailedCallback(error.reason);
      throw error;
    }
  });
}

function remove(call: OpCall): Promise<Value> {
  const argument = call.has("args") ? call.term("args") : "stop_args";
  const handler = handlerWithId(call.term("h"));
  return ask(call, async () => {
    try {
      return (await deleteHandler(call.self, managerOf(call), handler, { argument })) as Value;
    } catch (error) {
      if (error instanceof EventHandlerFailedError) return termOfFailedCallback(error.reason);
      if (error instanceof NoEventHandlerError) return ["error", "module_not_found"];
      throw error;
    }
  });
}

function swap(call: OpCall): Promise<Value> {
  const argument = call.has("args") ? call.term("args") : "swap_args";
  const from = handlerWithId(call.term("h"));
  const to = handlerIn(call, "h2");
  return ask(call, async () => {
    try {
      if (call.op.sup === true) {
        const owner = call.self as EventHandlerOwner;
        await swapSupervisedHandler(owner, managerOf(call), from, to, { argument });
      } else await swapHandler(call.self, managerOf(call), from, to, { argument });
      return "ok";
    } catch (error) {
      if (!(error instanceof EventHandlerFailedError)) throw error;
      return ["error", termOfFailedCallback(error.reason)];
    }
  });
}

async function callOne(call: OpCall): Promise<Value> {
  const handler = handlerWithId(call.term("h"));
  const directive = directiveIn(call, "d");
  const timeoutMs = timeoutIn(call, 5_000);
  const request = (): Promise<Value> =>
    callHandler(call.self, managerOf(call), handler, [FOLLOW, directive], { timeoutMs });
  try {
    return await asClient("gen_event", "call", request, call.term("to"));
  } catch (error) {
    if (error instanceof EventHandlerFailedError) {
      return ["error", termOfFailedCallback(error.reason)];
    }
    if (error instanceof NoEventHandlerError) return ["error", "bad_module"];
    throw error;
  }
}
