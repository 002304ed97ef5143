/**
 * The ops of the layer `gen_server`: servers that follow directives, and their clients.
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html
 */
import { StartError } from "@coppice/core";
import { asClient, sitOut } from "./client.js";
import { directiveIn } from "./directive.js";
import type { OpCall, OpDefinition, OpTable } from "./op.js";
import { processOps } from "./process-ops.js";
import type { JsonObject } from "./program.js";
import { requestOps } from "./request-ops.js";
import { FOLLOW, ScriptedServer, serverIn } from "./scripted-server.js";
import { stopOp, timeoutIn } from "./stop-op.js";
import { sysOp } from "./sys-op.js";
import type { Value } from "./term.js";
import { addressOf, nameOf, termOfReason } from "./translation.js";

export const genServerOps: OpTable = new Map([
  ...processOps,
  ...requestOps,
  ...Object.entries<OpDefinition>({
    gs_start: { needs: ["as"], run: start },
    gs_call: { needs: ["to"], run: ask },
    gs_cast: {
      needs: ["to"],
      run(call) {
        call.self.cast(serverIn(call), [FOLLOW, directiveIn(call, "d")]);
        return "ok";
      },
    },
    gs_info: {
      needs: ["to"],
      run(call) {
        call.self.send(addressOf(call.term("to")), directiveIn(call, "d"));
        return "ok";
      },
    },
    gs_stop: stopOp,
    sys: sysOp,
    reply: { needs: ["key", "value"], run: replyLater },
    save: { needs: ["key"], run: saveCaller },
  }),
]);

function ask(call: OpCall): Promise<Value> {
  const { self, actor } = call;
  const directive = directiveIn(call, "d");
  const timeoutMs = timeoutIn(call, 5_000);
  if (timeoutMs === Infinity) actor.world.lateReplies.asksWithoutLimit(directive);
  const server = serverIn(call);
  return asClient(
    "gen_server",
    "call",
    () =>
      self
        .call(server, [FOLLOW, directive], { timeoutMs })
        .catch((error: unknown) => sitOut(self, server, timeoutMs, error)),
    call.term("to"),
  );
}

async function start(call: OpCall): Promise<Value> {
  const { op, self, actor } = call;
  const { how = "start_link" } = op;
  const { behaviour } = new ScriptedServer(actor.world, {
    name: op.as as string,
    init: directiveIn(call, "init"),
    on: (op.on ?? {}) as JsonObject,
  });
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
    return ["ok", [call.bind(op.as, pid), call.bind(op.monitor, ref)]];
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return error.reason === "ignore" ? "ignore" : ["error", termOfReason(error.reason)];
  }
}

function replyLater(call: OpCall): Value {
  const from = call.actor.callers?.saved.get(call.op.key as string);
  if (from === undefined) return "ok";
  const value = call.term("value");
  call.actor.world.lateReplies.isReplied(from, call.self.pid, value);
  call.self.reply(from, value);
  return "ok";
}

function saveCaller({ op, actor }: OpCall): Value {
  const { callers } = actor;
  if (callers?.current !== undefined) callers.saved.set(op.key as string, callers.current);
  return "ok";
}
