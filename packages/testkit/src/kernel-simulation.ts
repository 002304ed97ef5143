/** The simulation that a program runs in, as the kernel of the run carries it out. */
import {
  checkFunction,
  checkKeys,
  InvalidArgumentError,
  isPid,
  type AnyPid,
  type ExitReason,
  type Node,
} from "@coppice/core";
import { checkBoolean, checkOneOf, checkOptionalFunction, checkText, has } from "./arguments.js";
import type { Calm } from "./calm.js";
import type { Durable, DurableOptions, Unsynced } from "./durable.js";
import type { FaultOptions, PlannedFault } from "./fault.js";
import { createFaults, type Faults } from "./faults.js";
import type { Kernel } from "./kernel.js";
import type { LookOptions } from "./looks.js";
import type { Step } from "./run.js";
import { checkSlowSpell, type SlowSpell } from "./slow-nodes.js";
import type { Boot, SimNodeOptions } from "./lives.js";
import { checkJump, nodeName, sidesOf } from "./fault-arguments.js";
import { World } from "./world.js";
import type { AnySelf, Shared, SimNode, Simulation } from "./simulation.js";

function checkNamed(method: string, name: unknown, holds: unknown): void {
  if (typeof name !== "string") {
    throw new InvalidArgumentError(`${method}: name`, "a string that says what holds", name);
  }
  checkFunction(`${method}: holds`, holds);
}

const NO_OPTIONS: SimNodeOptions = {};

export class KernelSimulation implements Simulation {
  readonly kernel: Kernel;
  readonly world: World;
  #faults: Faults | undefined;

  constructor(
    kernel: Kernel,
    budgets: Readonly<Record<string, number>>,
    plan: readonly PlannedFault[],
  ) {
    this.kernel = kernel;
    this.world = new World(kernel, budgets, plan);
  }

  node(name = "n", options: SimNodeOptions = NO_OPTIONS): Node {
    return this.world.node(name, options, undefined);
  }

  boot(name: string, boot: Boot, options: SimNodeOptions = {}): SimNode {
    checkFunction("boot: boot", boot);
    const { world } = this;
    world.node(name, options, boot);
    return {
      name,
      get node() {
        return world.nodeOf(name);
      },
      get isUp() {
        return world.isUp(name);
      },
    };
  }

  always(name: string, holds: () => unknown, options: LookOptions = {}): void {
    checkNamed("always", name, holds);
    checkKeys("always: options", options, ["reads"]);
    this.kernel.onlookers.look({ by: "always", name }, options.reads);
    this.kernel.checks.always.push({ name, holds });
  }

  finally(name: string, holds: () => unknown): void {
    checkNamed("finally", name, holds);
    this.kernel.checks.finally.push({ name, holds });
  }

  sometimes(name: string, holds: () => boolean, options: LookOptions = {}): void {
    checkNamed("sometimes", name, holds);
    checkKeys("sometimes: options", options, ["reads"]);
    const { onlookers } = this.kernel;
    onlookers.look({ by: "sometimes", name }, options.reads);
    onlookers.sometimes(name, holds);
  }

  fail(check: string, message: string): void {
    checkText("fail: check", check, "the name of what does not hold");
    checkText("fail: message", message, "text that says why");
    this.kernel.fail(check, message);
  }

  observe(observer: (step: Step) => void, options: LookOptions = {}): void {
    checkFunction("observe: observer", observer);
    checkKeys("observe: options", options, ["reads"]);
    const { onlookers } = this.kernel;
    onlookers.look({ by: "observe", name: "an observer" }, options.reads);
    onlookers.observe(observer);
  }

  /** Read when faults strike; who writes a report reads it at each step: see `withStates`. */
  state(name: string, read: () => unknown): void {
    if (typeof name !== "string") {
      throw new InvalidArgumentError("state: name", "a string that says what it is", name);
    }
    checkFunction("state: read", read);
    this.kernel.sightings.expose(name, read);
  }

  shared<T>(name: string, initial: T): Shared<T> {
    const { kernel } = this;
    checkText("shared: name", name);
    const check = (operation: string, self: AnySelf, use: unknown): void => {
      if (!has(self, "yield")) {
        throw new InvalidArgumentError(
          `shared.${operation}: self`,
          "the process that does it",
          self,
        );
      }
      checkFunction(`shared.${operation}: ${operation}`, use);
    };
    const reads = kernel.keySpace.access(`shared:${name}`, "read");
    const writes = kernel.keySpace.access(`shared:${name}`, "write");
    let value = initial;
    kernel.sightings.remember(`shared:${name}`, () => value);
    const change = (write: (value: T) => T | void): T => {
      checkFunction("shared.change: write", write);
      kernel.access(writes);
      const next = write(value);
      if (next !== undefined) value = next as T;
      return value;
    };
    return {
      name,
      object: `shared:${name}`,
      change,
      async read(self, read) {
        check("read", self, read);
        await self.yield();
        kernel.access(reads);
        return read(value);
      },
      async write(self, write) {
        check("write", self, write);
        await self.yield();
        return change(write);
      },
      get now() {
        return value;
      },
    };
  }

  durable<T>(
    node: Node | string,
    name: string,
    initial: T,
    options: DurableOptions<T> = {},
  ): Durable<T> {
    checkText("durable: name", name);
    checkKeys("durable: options", options, ["torn"]);
    checkOptionalFunction("durable: options.torn", options.torn);
    return this.world.durable(nodeName(node, "durable: node"), name, initial, options);
  }

  daemon<T>(arm: () => T): T {
    checkFunction("daemon: arm", arm);
    return this.kernel.daemon(arm);
  }

  get calm(): Calm | undefined {
    return this.kernel.calm;
  }

  get nowMs(): number {
    return this.kernel.nowMs;
  }

  get faults(): Faults {
    return (this.#faults ??= createFaults(this.world));
  }

  fault(name: string, run: () => void, options: FaultOptions = {}): void {
    this.world.declare(name, run, options);
  }

  /** What code of the program does to the world by itself may change what anybody can do. */
  #touch(): void {
    const { kernel } = this;
    kernel.access(kernel.keySpace.access("*", "write"));
  }

  kill(pid: AnyPid, reason: ExitReason = "killed"): boolean {
    if (!isPid(pid)) throw new InvalidArgumentError("kill: pid", "a pid", pid);
    this.#touch();
    return this.world.kill(pid, reason);
  }

  crash(node: Node | string, unsynced: Unsynced = "lost"): void {
    checkOneOf("crash: unsynced", unsynced, ["lost", "kept", "torn"]);
    this.#touch();
    this.world.crash(nodeName(node, "crash: node"), unsynced);
  }

  restart(node: Node | string): Node {
    this.#touch();
    return this.world.restart(nodeName(node, "restart: node"));
  }

  pause(node: Node | string): void {
    this.#touch();
    this.world.pause(nodeName(node, "pause: node"));
  }

  resume(node: Node | string): void {
    this.#touch();
    this.world.resume(nodeName(node, "resume: node"));
  }

  slow(node: Node | string, spell: SlowSpell): void {
    this.#touch();
    const { byMs, forMs } = checkSlowSpell("slow: spell", spell);
    this.world.slow(nodeName(node, "slow: node"), byMs, forMs);
  }

  partition(
    a: readonly (Node | string)[],
    b: readonly (Node | string)[],
    options: { readonly oneWay?: boolean } = {},
  ): void {
    checkKeys("partition: options", options, ["oneWay"]);
    checkBoolean("partition: options.oneWay", options.oneWay);
    const [from, to] = sidesOf("partition", a, b);
    this.#touch();
    this.world.cut(from, to, options.oneWay === true);
  }

  heal(): void {
    this.#touch();
    this.world.network.heal();
  }

  disconnect(a: Node | string, b: Node | string): void {
    this.#touch();
    this.world.disconnect(nodeName(a, "disconnect: a"), nodeName(b, "disconnect: b"));
  }

  jump(node: Node | string, byMs: number): void {
    checkJump("jump: byMs", byMs);
    this.#touch();
    this.world.jump(nodeName(node, "jump: node"), byMs);
  }
}
