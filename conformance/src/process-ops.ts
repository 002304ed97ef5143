/**
 * The ops of the layer `process`: what any process can do.
 *
 * OTP: https://www.erlang.org/doc/man/erlang.html
 */
import {
  isPid,
  NoProcessError,
  TIMEOUT,
  type Alias,
  type AliasMode,
  type AnyPid,
  type Down,
  type MonitorAlias,
  type MonitorRef,
  type Name,
  type Pid,
  type RemoteName,
  type Self,
  type TimerRef,
} from "@coppice/core";
import type { OpCall, OpDefinition, OpTable } from "./op.js";
import type { Json, JsonObject, Op } from "./program.js";
import { Puppet } from "./puppet.js";
import { Raised } from "./raised.js";
import { matches, naturalOrder, type Value } from "./term.js";
import {
  addressOf,
  messageOfTerm,
  nameOf,
  reasonOfTerm,
  targetOf,
  termOfDown,
  termOfMessage,
} from "./translation.js";

export const processOps: OpTable = new Map(
  Object.entries<OpDefinition>({
    noop: { needs: [], run: () => "ok" },
    self: { needs: [], run: ({ self }) => self.pid },
    spawn: { needs: ["as"], run: spawnPuppet },
    exit2: {
      needs: ["to", "reason"],
      run(call) {
        call.self.exit(call.term("to") as AnyPid, reasonOfTerm(call.term("reason")));
        return true;
      },
    },
    alive: { needs: ["pid"], run: (call) => call.self.isAlive(call.term("pid") as AnyPid) },
    trap: {
      needs: ["value"],
      run: ({ self, op }) => (op.value === true ? self.trapExits() : self.trapExits(false)),
    },
    info: { needs: ["pid", "item"], run: info },

    send: {
      needs: ["to", "msg"],
      run(call) {
        call.self.send(addressOf(call.term("to")), messageOfTerm(call.term("msg")));
        return "ok";
      },
    },
    recv: { needs: [], run: receive },
    flush: { needs: [], run: flush },

    link: {
      needs: ["pid"],
      run(call) {
        call.self.link(call.term("pid") as AnyPid);
        return true;
      },
    },
    unlink: {
      needs: ["pid"],
      run(call) {
        call.self.unlink(call.term("pid") as AnyPid);
        return true;
      },
    },
    monitor: { needs: ["target", "as"], run: monitor },
    demonitor: {
      needs: ["ref"],
      run(call) {
        const opts = (call.op.opts ?? []) as readonly string[];
        const options = { flush: opts.includes("flush"), info: opts.includes("info") };
        return call.self.demonitor(call.term("ref") as MonitorRef, options);
      },
    },

    register: { needs: ["name", "pid"], run: register },
    unregister: {
      needs: ["name"],
      run(call) {
        call.self.unregister(nameOf(call.term("name")));
        return true;
      },
    },
    whereis: {
      needs: ["name"],
      run: (call) => call.self.whereis(nameOf(call.term("name"))) ?? "undefined",
    },

    alias: {
      needs: ["as"],
      run: (call) => call.bind(call.op.as, call.self.alias(call.op.mode as AliasMode | undefined)),
    },
    unalias: {
      needs: ["ref"],
      run: (call) => call.self.unalias(call.term("ref") as Alias<unknown>),
    },

    send_after: {
      needs: ["as", "ms", "to", "msg"],
      run: (call) =>
        call.bind(
          call.op.as,
          call.self.sendAfter(
            addressOf(call.term("to")),
            milliseconds(call),
            messageOfTerm(call.term("msg")),
          ),
        ),
    },
    start_timer: {
      needs: ["as", "ms", "to", "msg"],
      run: (call) =>
        call.bind(
          call.op.as,
          call.self.startTimer(addressOf(call.term("to")), milliseconds(call), call.term("msg")),
        ),
    },
    cancel_timer: {
      needs: ["ref"],
      run: (call) => call.self.cancelTimer(call.term("ref") as TimerRef),
    },
    read_timer: {
      needs: ["ref"],
      run: (call) => call.self.readTimer(call.term("ref") as TimerRef),
    },
    sleep: {
      needs: ["ms"],
      async run(call) {
        await call.self.sleep(milliseconds(call));
        return "ok";
      },
    },
  }),
);

// ── spawning ──────────────────────────────────────────────────────────────────────────────────────

function spawnPuppet(call: OpCall): Value {
  const { actor, self, op } = call;
  const as = op.as as string;
  const puppet = new Puppet(actor.world, as);
  const scope = new Map(call.scope);
  const body = async (child: Self<unknown>): Promise<void> => {
    scope.set(as, child.pid);
    await puppet.live(child, (op.body ?? []) as readonly Op[], scope, actor.step);
  };
  const link = op.link === true;
  if (!call.has("monitor")) {
    const pid = self.spawnOpt({ link }, body);
    actor.world.adopt(pid, puppet);
    return call.bind(as, pid);
  }
  const { map, alias, as: refAs } = monitorRequest(call, op.monitor as Json);
  const monitorOptions = alias === undefined ? {} : { alias };
  const { pid, ref } = self.spawnOpt({ link, monitor: map, monitorOptions }, body);
  actor.world.adopt(pid, puppet);
  return [call.bind(as, pid), call.bind(refAs, ref)];
}

// ── messages ──────────────────────────────────────────────────────────────────────────────────────

async function receive(call: OpCall): Promise<Value> {
  const pattern = call.has("match") ? call.term("match") : "_";
  const timeout = call.has("timeout") ? call.term("timeout") : "infinity";
  const timeoutMs = timeout === "infinity" ? Infinity : timeout;
  if (typeof timeoutMs !== "number" || timeoutMs < 0) throw new Raised("error", "timeout_value");
  const accepts = (message: unknown): boolean => matches(pattern, termOfMessage(message));
  const message = await call.self.receive(accepts, { timeoutMs });
  return message === TIMEOUT ? ["timeout"] : ["msg", termOfMessage(message)];
}

async function flush({ self }: OpCall): Promise<Value> {
  const messages: Value[] = [];
  for (;;) {
    const message = await self.receive({ timeoutMs: 0 });
    if (message === TIMEOUT) return { list: messages };
    messages.push(termOfMessage(message));
  }
}

// ── monitors and names ────────────────────────────────────────────────────────────────────────────

function monitor(call: OpCall): Value {
  const target = targetOf(call.term("target"));
  const { map, alias, as } = monitorRequest(call, call.op);
  return call.bind(as, call.self.monitor(target, map, alias === undefined ? {} : { alias }));
}

/** How to monitor: `spawn` has just the name of the reference, or an object with what `monitor` has. */
function monitorRequest(
  call: OpCall,
  json: Json,
): { as: Json | undefined; alias: MonitorAlias | undefined; map: (down: Down) => unknown } {
  const asItIs = (down: Down): unknown => down;
  if (typeof json === "string") return { as: json, alias: undefined, map: asItIs };
  const { as, alias, tag } = json as JsonObject;
  const tagged = tag === undefined ? undefined : call.decode(tag);
  return {
    as,
    alias: alias as MonitorAlias | undefined,
    map: tagged === undefined ? asItIs : (down) => termOfDown(down, tagged),
  };
}

function register(call: OpCall): Value {
  try {
    call.self.register(nameOf(call.term("name")), call.term("pid") as Pid<unknown>);
    return true;
  } catch (error) {
    // Erlang tells no difference.
    if (error instanceof NoProcessError) throw new Raised("error", "badarg");
    throw error;
  }
}

function milliseconds(call: OpCall): number {
  return call.term("ms") as number;
}

// ── what a process is ─────────────────────────────────────────────────────────────────────────────

function info(call: OpCall): Value {
  const facts = call.self.processInfo(call.term("pid") as AnyPid);
  if (facts === undefined) return "undefined";
  const item = call.op.item as string;
  const { world } = call.actor;
  const sorted = (values: readonly Value[]): Value => {
    const encoded = new Map(values.map((value) => [value, world.encode(value)]));
    return { list: [...values].sort((a, b) => naturalOrder(encoded.get(a)!, encoded.get(b)!)) };
  };
  switch (item) {
    case "links":
      return [item, sorted(facts.links)];
    case "monitors":
      return [item, sorted(facts.monitors.map(monitoredAs))];
    case "monitored_by":
      return [item, sorted(facts.monitoredBy)];
    case "message_queue_len":
      return [item, facts.mailboxSize];
    case "trap_exit":
      return [item, facts.trapsExits];
    case "registered_name":
      return facts.name === undefined ? { list: [] } : [item, facts.name];
    default:
      throw new TypeError(`no such item: ${item}`);
  }
}

/** A pid, or the bare name on this node. */
function monitoredAs(target: AnyPid | Name<never> | RemoteName<never>): Value {
  return isPid(target) ? target : target.name;
}
