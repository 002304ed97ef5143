/**
 * Registered names: each held by one process, each process holding at most one.
 *
 * OTP: https://www.erlang.org/doc/man/erlang.html#register-2
 */
import {
  AlreadyNamedError,
  NameNotRegisteredError,
  NameTakenError,
  NoProcessError,
} from "./errors.js";
import { formatPid, ProcessId } from "./pid.js";
import { checkHere } from "./process-info.js";
import type { Process } from "./process.js";
import type { Runtime } from "./runtime.js";

export class Registry {
  readonly #node: Runtime;
  #holders: Map<string, Process> | undefined = undefined;

  constructor(node: Runtime) {
    this.#node = node;
  }

  find(name: string, by: ProcessId<Process>): Process | undefined {
    this.#node.access(by, "name", name, "read");
    return this.#holders?.get(name);
  }

  register(name: string, pid: ProcessId<Process>, by: ProcessId<Process>): void {
    const node = this.#node;
    checkHere(node, "register: pid", pid);
    node.access(by, "name", name, "write");
    if (pid !== by) node.access(by, "alive", pid, "read");
    const process = node.isLocal(pid) ? ProcessId.processOf(pid) : undefined;
    if (process === undefined || process.life !== "alive") throw new NoProcessError(formatPid(pid));
    const holders = (this.#holders ??= new Map());
    const holder = holders.get(name);
    if (holder !== undefined) {
      node.emit(() => ({ type: "nameTaken", name, pid, holder: holder.pid }));
      throw new NameTakenError(name, holder.pid);
    }
    if (process.registeredName !== undefined) {
      throw new AlreadyNamedError(pid, process.registeredName, name);
    }
    holders.set(name, process);
    process.registeredName = name;
    // A process that is only just made tells of itself first.
    if (process.announced) this.announce(process);
  }

  /** Tells that a process holds its name. */
  announce(process: Process): void {
    const { registeredName: name, pid } = process;
    if (name !== undefined) this.#node.emit(() => ({ type: "registered", name, pid }));
  }

  unregister(name: string, by: ProcessId<Process>): void {
    this.#node.access(by, "name", name, "write");
    const process = this.#holders?.get(name);
    if (process === undefined) throw new NameNotRegisteredError(name);
    // Its end would have released the name.
    this.#node.access(by, "alive", process.pid, "read");
    this.release(process);
  }

  /** Frees the name of a process, if it has one. */
  release(process: Process): void {
    const name = process.registeredName;
    if (name === undefined) return;
    this.#holders?.delete(name);
    process.registeredName = undefined;
    this.#node.access(process.pid, "name", name, "write");
    this.#node.emit(() => ({ type: "unregistered", name, pid: process.pid }));
  }

  names(): string[] {
    return [...(this.#holders?.keys() ?? [])];
  }
}
