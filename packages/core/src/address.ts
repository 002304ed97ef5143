/**
 * Addresses: what a message can be sent to.
 *
 * OTP: https://www.erlang.org/doc/system/expressions.html#send
 */
import type { AnyName, Name, RemoteName } from "./name.js";
import type { Pid, ProcessId } from "./pid.js";
import type { Process } from "./process.js";
import type { Alias, Reference } from "./reference.js";

/**
 * What a message of type `M` can be sent to.
 *
 * | address | reaches | when nobody is there |
 * | --- | --- | --- |
 * | `Pid` | that process | nothing happens |
 * | `Name` | whoever holds the name now | `NameNotRegisteredError` |
 * | `RemoteName` | whoever holds the name at that node | nothing happens |
 * | `Alias` | its owner, while the alias is active | nothing happens |
 */
export type Address<M> = Pid<M> | Name<M> | RemoteName<M> | Alias<M>;

/** What can be monitored or called: a process, directly or by name. */
export type Target<M> = Pid<M> | Name<M> | RemoteName<M>;

/** The same, as the runtime knows it. */
export type LocalAddress = ProcessId<Process> | AnyName | RemoteName<never> | Reference;
