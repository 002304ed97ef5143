/**
 * Addresses: what a message can be sent to.
 *
 * OTP: https://www.erlang.org/doc/system/expressions.html#send
 */
import type { Name, RemoteName } from "./name.js";
import type { Pid } from "./pid.js";
import type { Alias } from "./reference.js";

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
