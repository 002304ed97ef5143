/**
 * Requests that are answered later: the ops `gs_send_request` and those that wait for the response.
 *
 * In Erlang the response is a message, and a program sees it in the mailbox. Coppice keeps it with the
 * request; so that a program sees the same, the request's response is put into the mailbox as it comes.
 *
 * OTP: https://www.erlang.org/doc/man/gen_server.html#send_request-2
 */
import { isPid, TIMEOUT, type AnyPid, type Down, type MonitorRef, type Ref } from "@coppice/core";
import { sendRequest, type Request, type Response } from "@coppice/supervisor";
import { failureOfCall } from "./client.js";
import { directiveIn } from "./directive.js";
import { EarlyDown } from "./early-down.js";
import type { OpCall, OpDefinition } from "./op.js";
import { FOLLOW, serverIn } from "./scripted-server.js";
import { timeoutIn } from "./stop-op.js";
import { isArray, NODE_NAME, type Value } from "./term.js";
import { nameOf, targetOf } from "./translation.js";

/** A request under way, by the reference that a program knows it by. */
interface Pending {
  /** Also a monitor of the server, as in Erlang: its `DOWN` comes whether there was a reply or not. */
  readonly ref: MonitorRef;
  readonly request: Request<Value>;
  readonly to: Value;
}

const PENDING = new WeakMap<Ref, Pending>();

export const requestOps: readonly (readonly [string, OpDefinition])[] = [
  ["gs_send_request", { needs: ["as", "to"], run: send }],
  ["gs_wait_response", { needs: ["ref"], run: (call) => waitFor(call, "wait") }],
  ["gs_receive_response", { needs: ["ref"], run: (call) => waitFor(call, "receive") }],
];

function send(call: OpCall): Value {
  const { self, actor } = call;
  const to = holderOf(call);
  let early: EarlyDown | undefined;
  let sent: Request<Value> | undefined;
  const ref = self.monitor(targetOf(to) as AnyPid, (down) => {
    // One that was not there has not replied.
    if (sent === undefined || sent.response !== undefined) return down;
    return (early = new EarlyDown(down));
  });
  const request = (sent = sendRequest(self, serverIn(call), [FOLLOW, directiveIn(call, "d")]));
  PENDING.set(ref, { ref, request, to });
  request.onResponse(() => {
    const { response } = request;
    const { node } = actor.world;
    if (response === undefined || "error" in response || !node.isAlive(self.pid)) return;
    const reply = [ref, response.reply];
    if (early === undefined) self.send(self.pid, reply);
    else {
      early.shown = reply;
      self.send(self.pid, early.down);
    }
    // In Erlang it is in the mailbox now: whoever looks into its own finds what it sent itself.
    self.processInfo(self.pid);
  });
  return call.bind(call.op.as, ref);
}

/** Who is asked: as OTP has it, the process that holds a name now. */
function holderOf(call: OpCall): Value {
  const to = call.term("to");
  const target = targetOf(to);
  if (isPid(target) || ("node" in target && target.node !== NODE_NAME)) return to;
  return call.self.whereis(nameOf(target.name)) ?? to;
}

async function waitFor(call: OpCall, how: "wait" | "receive"): Promise<Value> {
  const { self } = call;
  const pending = PENDING.get(call.term("ref") as Ref) as Pending;
  const { request, ref } = pending;
  const timeoutMs = timeoutIn(call, Infinity);
  const isResponse = (message: unknown): boolean => {
    const shown = message instanceof EarlyDown ? message.shown : message;
    return isArray(shown) ? shown[0] === ref : (shown as Partial<Down> | null)?.ref === ref;
  };
  const hadResponse = request.response !== undefined;
  const response = hadResponse ? request.response : await request[how]({ timeoutMs });
  // What a program has taken out of the mailbox by itself is not there for anybody else.
  const message = await self.receive(isResponse, {
    timeoutMs: response === TIMEOUT ? 0 : hadResponse ? timeoutMs : Infinity,
  });
  if (message === TIMEOUT && how === "wait") return "timeout";
  self.demonitor(ref, { flush: true });
  while ((await self.receive(isResponse, { timeoutMs: 0 })) !== TIMEOUT);
  if (message === TIMEOUT) return "timeout";
  return termOf(response as Response<Value>, pending);
}

function termOf(response: Response<Value>, { to }: Pending): Value {
  if ("reply" in response) return ["reply", response.reply];
  const failure = failureOfCall(response.error);
  if (failure === undefined) throw response.error;
  return ["error", [failure, to]];
}
