/**
 * Spawning: a process with its links, monitors and name, all at once.
 *
 * OTP: https://www.erlang.org/doc/man/erlang.html#spawn_opt-2
 */
import { checkFunction, checkKeys, checkMonitorOptions, checkName } from "./check.js";
import type { ErasedProgram } from "./erased.js";
import { InvalidArgumentError, NodeStoppedError } from "./errors.js";
import { linkAtSpawn } from "./link.js";
import type { MailboxOptions } from "./mailbox.js";
import { monitorAtSpawn } from "./monitor.js";
import { ProcessId } from "./pid.js";
import type { Process, ProcessExtra } from "./process.js";
import { ProcessSelf } from "./process-self.js";
import type { Reference } from "./reference.js";
import type { Runtime } from "./runtime.js";
import type { SpawnMonitorOptions } from "./self.js";

export interface Spawned {
  readonly pid: ProcessId<Process>;
  readonly ref: Reference | undefined;
}

export interface SpawnedAndMonitored extends Spawned {
  readonly ref: Reference;
}

type Options = Partial<SpawnMonitorOptions<unknown, never>>;

/** Makes a process, child of `parent` or of the node. The options are checked. */
export function spawn(
  node: Runtime,
  parent: Process | undefined,
  options: Options,
  program: ErasedProgram,
  args: readonly unknown[],
): Spawned {
  checkProgram(program);
  if (node.stopped) throw new NodeStoppedError(node.name);
  const family = parent ?? node;
  const { key } = options;
  const keys = key === undefined ? undefined : keysOf(parent ?? node);
  if (key !== undefined && keys?.has(key)) {
    const expected = "a key that no other child has which is alive";
    throw new InvalidArgumentError("spawnOpt: options.key", expected, key);
  }
  const position = key ?? family.children + 1;
  const pid = node.makePid(node.nextPid(), family.pid, position);
  const process = new ProcessSelf(node, pid, program, args);
  ProcessId.attach(pid, process);
  if (options.name !== undefined) {
    try {
      node.registry.register(options.name.name, pid, family.pid);
    } catch (error) {
      ProcessId.attach(pid, undefined);
      throw error;
    }
  }
  family.children++;
  const { label, mailbox, unwindMs } = options;
  if (label !== undefined || mailbox !== undefined || unwindMs !== undefined) {
    const extra: ProcessExtra = { label, mailbox, unwindMs };
    process.extra = extra;
    process.highWater = mailbox?.highWater ?? node.highWater;
    process.mailboxMark = Math.min(mailbox?.limit ?? Infinity, process.highWater - 1);
  }
  if (key !== undefined && keys !== undefined) {
    keys.add(key);
    (process.extra ??= {}).key = { key, among: keys };
  }
  node.addProcess(process);
  let ref: Reference | undefined;
  if (parent !== undefined) {
    if (options.link) linkAtSpawn(parent, process);
    if (options.monitor !== undefined) {
      const map = typeof options.monitor === "function" ? options.monitor : undefined;
      ref = monitorAtSpawn(parent, process, map, options.monitorOptions?.alias);
    }
  }
  process.announced = true;
  if (node.observed) tellOf(process, family.pid);
  if (process.life === "alive") node.launch(process);
  return { pid, ref };
}

/** Those who listen hear of the process, then of its name. */
function tellOf(process: Process, parent: ProcessId<Process>): void {
  const { node, pid } = process;
  node.emit(() => ({ type: "spawned", pid, parent, initialCall: process.initialCall }));
  node.registry.announce(process);
}

function keysOf(family: Process | Runtime): Set<string> {
  return "extra" in family
    ? ((family.extra ??= {}).keys ??= new Set())
    : (family.keys ??= new Set());
}

function checkProgram(program: ErasedProgram): void {
  if (typeof program === "function") return;
  if (
    typeof program !== "object" ||
    program === null ||
    typeof program.init !== "function" ||
    typeof program.message !== "function"
  ) {
    throw new InvalidArgumentError(
      "spawn: body",
      "an async function, or a handler with the functions init and message",
      program,
    );
  }
}

const [SLASH, DIGIT_0, DIGIT_9] = [47, 48, 57] as const;

const OPTIONS: readonly string[] = ["label", "name", "mailbox", "unwindMs", "key"];
const OPTIONS_IN_PROCESS: readonly string[] = ["link", ...OPTIONS, "monitor", "monitorOptions"];

export function spawnOptionKeys(inProcess: boolean): readonly string[] {
  return inProcess ? OPTIONS_IN_PROCESS : OPTIONS;
}

/** @throws InvalidArgumentError an option is unknown or of the wrong kind */
export function checkSpawnOptions(operation: string, options: Options, inProcess = true): void {
  const argument = `${operation}: options`;
  checkKeys(argument, options, spawnOptionKeys(inProcess));
  const { link, label, name, mailbox, unwindMs, key, monitor, monitorOptions } = options;
  if (link !== undefined && typeof link !== "boolean") {
    throw new InvalidArgumentError(`${argument}.link`, "true or false", link);
  }
  if (label !== undefined && typeof label !== "string") {
    throw new InvalidArgumentError(`${argument}.label`, "a string", label);
  }
  if (key !== undefined && (typeof key !== "string" || !isKey(key))) {
    const expected = `a string without "/", and no number: those are the places of the other children`;
    throw new InvalidArgumentError(`${argument}.key`, expected, key);
  }
  if (name !== undefined) checkName(`${argument}.name`, name);
  if (unwindMs !== undefined && !(typeof unwindMs === "number" && unwindMs >= 0)) {
    throw new InvalidArgumentError(`${argument}.unwindMs`, "a number of at least 0", unwindMs);
  }
  if (monitor !== undefined && monitor !== true) checkFunction(`${argument}.monitor`, monitor);
  if (monitorOptions !== undefined) {
    checkMonitorOptions(`${argument}.monitorOptions`, monitorOptions);
  }
  if (mailbox !== undefined) checkMailboxOptions(`${argument}.mailbox`, mailbox);
}

/** Without `/`, and something else than digits alone. A loop, for this is asked at every spawn of a simulation. */
function isKey(key: string): boolean {
  let isNumber = true;
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    if (code === SLASH) return false;
    if (code < DIGIT_0 || code > DIGIT_9) isNumber = false;
  }
  return !isNumber;
}

export function checkMailboxOptions(argument: string, options: MailboxOptions): void {
  checkKeys(argument, options, ["limit", "overflow", "highWater"]);
  const { limit, overflow, highWater } = options;
  const isCount = (value: unknown): boolean =>
    value === Infinity || (Number.isInteger(value) && (value as number) >= 1);
  const counts = { limit, highWater };
  for (const [option, value] of Object.entries(counts)) {
    if (value !== undefined && !isCount(value)) {
      throw new InvalidArgumentError(
        `${argument}.${option}`,
        "a whole number of at least 1",
        value,
      );
    }
  }
  if (overflow !== undefined && !["drop-newest", "drop-oldest", "exit"].includes(overflow)) {
    const expected = `"drop-newest", "drop-oldest" or "exit"`;
    throw new InvalidArgumentError(`${argument}.overflow`, expected, overflow);
  }
}
