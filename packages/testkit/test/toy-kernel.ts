/**
 * A kernel of one file for tests of the algorithms alone: processes are generators, channels are FIFO
 * per ordered pair, and what a step touches is written down.
 */
import { KeySpace, type Access, type AnyPid } from "@coppice/core";
import type { Run, Step, Strategy, Transition, Violation } from "@coppice/testkit";
import { hashText } from "../src/key-hash.js";

/** Keys of all toys: equal ones have equal numbers. */
export interface ToySpace {
  readonly keys: Map<string, number>;
  readonly objects: KeySpace;
}

export function createToySpace(): ToySpace {
  return { keys: new Map(), objects: new KeySpace({ interns: true }) };
}

const NO_PID = { node: "toy" } as AnyPid;

export interface Message {
  readonly t: string;
  readonly from: string;
  readonly v?: unknown;
}

type Wait =
  | {
      readonly wait: "receive";
      readonly accepts: (message: Message) => boolean;
      timer?: Pending | undefined;
    }
  | {
      readonly wait: "op";
      readonly object: string;
      readonly mode: "read" | "write";
      readonly run: () => unknown;
    };

type Body = (self: ToySelf) => Generator<Wait, void, any>;

interface Pending extends Transition {
  readonly creator: number;
  readonly run: () => void;
}

export interface ToySelf {
  readonly id: string;
  send(to: string, t: string, v?: unknown): void;
  /** Resolves to the message, or to `undefined` at the timeout. */
  receive(accepts?: (message: Message) => boolean, timeoutMs?: number): Wait;
  op(object: string, mode: "read" | "write", run?: () => unknown): Wait;
  after(ms: number, t: string): () => void;
  fail(message: string): void;
}

export interface Toy {
  readonly store: Map<string, number>;
  spawn(id: string, body: Body): void;
  /** One of these may happen to `victim` at any time, `budget` in all. */
  fault(name: string, victim: string, run: () => void): void;
  budget(faults: number): void;
  fail(message: string): void;
  atRest(check: () => void): void;
}

class Process {
  readonly mailbox: Message[] = [];
  wait: Wait | undefined;
  code: Generator<Wait, void, unknown>;
  readonly id: string;
  readonly numbers = new Map<string, number>();
  constructor(id: string, code: Generator<Wait, void, unknown>) {
    this.id = id;
    this.code = code;
  }
  count(what: string): number {
    const n = (this.numbers.get(what) ?? 0) + 1;
    this.numbers.set(what, n);
    return n;
  }
}

/** Runs `program` to quiescence as `strategy` decides. */
export function runToy(
  program: (toy: Toy) => void,
  strategy: Strategy,
  space: ToySpace = createToySpace(),
  maxSteps = 400,
): Run {
  let order = 0;
  const use = (object: string, mode: Access["mode"]): void => {
    accesses.push(space.objects.access(object, mode));
  };
  const idOf = (key: string): number => {
    let id = space.keys.get(key);
    if (id === undefined) space.keys.set(key, (id = space.keys.size));
    return id;
  };
  const processes = new Map<string, Process>();
  const channels = new Map<string, Pending[]>();
  const timers: Pending[] = [];
  const steps: Step[] = [];
  const violations: Violation[] = [];
  const faults: Pending[] = [];
  const rests: (() => void)[] = [];
  const store = new Map<string, number>();
  let accesses: Access[] = [];
  let faultsLeft = 0;
  let nowMs = 0;
  let step = -1;

  function pending(
    kind: Transition["kind"],
    key: string,
    channel: string,
    actor: string,
    run: () => void,
  ): Pending {
    return {
      kind,
      key,
      keyHash: hashText(key),
      keyId: idOf(key),
      channel,
      actor,
      actorPid: NO_PID,
      senderPid: undefined,
      access: space.objects.access(`mailbox:${actor}`, "write"),
      order: order++,
      creator: step,
      run,
      describe: () => key,
    };
  }

  function offer(transition: Pending): void {
    const queue = channels.get(transition.channel);
    if (queue === undefined) channels.set(transition.channel, [transition]);
    else queue.push(transition);
  }

  function fail(message: string): void {
    violations.push({ check: "toy", message, step: Math.max(0, step) });
  }

  function go(process: Process, value: unknown): void {
    let next = process.code.next(value);
    for (;;) {
      if (next.done) {
        process.wait = { wait: "op", object: "", mode: "read", run: () => undefined };
        return;
      }
      const wait = next.value;
      process.wait = wait;
      if (wait.wait === "op") {
        const key = `o:${process.id}#${process.count("op")}`;
        const run = (): void => {
          use(wait.object, wait.mode);
          process.wait = undefined;
          go(process, wait.run());
        };
        offer(pending("resume", key, process.id, process.id, run));
        return;
      }
      const place = process.mailbox.findIndex(wait.accepts);
      if (place === -1) return;
      cancel(wait.timer);
      next = process.code.next(process.mailbox.splice(place, 1)[0]);
    }
  }

  function cancel(timer: Pending | undefined): void {
    const place = timer === undefined ? -1 : timers.indexOf(timer);
    if (place === -1) return;
    // It may stand behind an earlier one: then its order with that one matters as well.
    use("timers", "read");
    timers.splice(place, 1);
  }

  function arm(process: Process, ms: number, fire: () => void): Pending {
    const key = `t:${process.id}#${process.count("timer")}`;
    use("timers", "read");
    const timer: Pending = {
      ...pending("timer", key, key, process.id, () => undefined),
      atMs: nowMs + ms,
      run: () => {
        use("timers", "write");
        nowMs = Math.max(nowMs, timer.atMs as number);
        fire();
      },
    };
    timers.push(timer);
    return timer;
  }

  function deliver(to: string, message: Message): void {
    const process = processes.get(to) as Process;
    const { wait } = process;
    if (wait?.wait === "receive" && wait.accepts(message)) {
      cancel(wait.timer);
      go(process, message);
    } else process.mailbox.push(message);
  }

  const toy: Toy = {
    store,
    spawn(id, body) {
      const self: ToySelf = {
        id,
        send(to, t, v) {
          const channel = `${id}→${to}`;
          const message: Message = { t, from: id, v };
          const key = `${channel}#${process.count(to)}`;
          offer(pending("signal", key, channel, to, () => deliver(to, message)));
        },
        receive(accepts = () => true, timeoutMs) {
          const wait: Wait = { wait: "receive", accepts };
          if (timeoutMs !== undefined)
            wait.timer = arm(process, timeoutMs, () => go(process, undefined));
          return wait;
        },
        op: (object, mode, run = () => undefined) => ({ wait: "op", object, mode, run }),
        after(ms, t) {
          const timer = arm(process, ms, () => deliver(id, { t, from: id }));
          return () => cancel(timer);
        },
        fail,
      };
      const process: Process = new Process(id, body(self));
      processes.set(id, process);
      go(process, undefined);
    },
    fault(name, victim, run) {
      const fault: Pending = pending("fault", `f:${name}`, `f:${name}`, victim, () => {
        faultsLeft--;
        faults.splice(faults.indexOf(fault), 1);
        run();
      });
      faults.push(fault);
    },
    budget(number) {
      faultsLeft = number;
    },
    fail,
    atRest: (check) => rests.push(check),
  };

  function enabled(): Pending[] {
    const heads: Pending[] = [];
    for (const queue of channels.values()) if (queue.length > 0) heads.push(queue[0] as Pending);
    const firstMs = Math.min(...timers.map((timer) => timer.atMs as number));
    heads.push(...timers.filter((timer) => timer.atMs === firstMs));
    heads.sort((a, b) => a.creator - b.creator);
    if (faultsLeft > 0) heads.push(...faults);
    return heads;
  }

  program(toy);
  for (;;) {
    const could = enabled();
    if (could.length === 0 || steps.length === maxSteps) break;
    const view = { steps, step: steps.length, nowMs };
    const chosen = strategy.pick(could, view) as Pending | undefined;
    if (chosen === undefined) break;
    step = steps.length;
    accesses = [chosen.access];
    const queue = channels.get(chosen.channel);
    if (queue?.[0] === chosen) {
      queue.shift();
      if (queue.length === 0) channels.delete(chosen.channel);
    } else if (chosen.kind === "timer") timers.splice(timers.indexOf(chosen), 1);
    steps.push({ transition: chosen, creator: chosen.creator, accesses, enabled: could });
    chosen.run();
  }
  const outcome = steps.length === maxSteps ? "stepLimit" : "quiescent";
  // At rest is after the last step.
  step = steps.length;
  if (outcome === "quiescent") for (const check of rests) check();
  return {
    steps,
    violations,
    outcome,
    nowMs,
    seen: new Set(),
    loop: [],
    hash: () => steps.map((s) => s.transition.key).join(" "),
  };
}
