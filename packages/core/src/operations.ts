/** What can be done in a process and outside one alike. */
import type { Address, Target } from "./address.js";
import type { CallOptions, CastOf, ReplyOf, RequestOf } from "./call.js";
import type { Name } from "./name.js";
import type { AnyPid, Pid } from "./pid.js";
import type { ProcessInfo } from "./process-info.js";
import type { From, TimerRef } from "./reference.js";
import type { Startable } from "./start.js";
import type { Timeout } from "./timer.js";
import type { SleepOptions } from "./wait.js";

export interface Operations {
  /**
   * Sends a message. It arrives after all that this process sent to that one before, or never.
   *
   * @throws NameNotRegisteredError a `Name` nobody holds; a pid or alias of the dead is no error
   * @throws InvalidArgumentError no address, or a promise as message
   * @throws UncloneableMessageError the node clones messages and this one cannot be
   * @throws UnsendableTermError it is for another node, and could be sent to none. What is only more than that
   *   node takes is no error: it is told as `undelivered`.
   * @see https://www.erlang.org/doc/system/expressions.html#send
   */
  send<M>(to: Address<M>, message: M): void;

  /**
   * Sends a request to a process whose inbox has a `Call` for it, and waits for the reply.
   *
   * Late replies are dropped. A timeout says nothing about whether the request was handled.
   *
   * Processes that wait for replies of each other in a circle would wait until the first timeout. So the
   * call that would close the circle is refused at once, whatever its timeout. A process counts as
   * waiting from its latest call on, until it waits for something else on the runtime. Send a request
   * that you will wait for later with a `signal`, or with `sendRequest` of `@coppice/supervisor`: such
   * calls close no circle.
   *
   * @throws CallTimeoutError no reply in time
   * @throws NoProcessError nobody has that pid or name
   * @throws ServerExitError the server ended first; its `reason` is the server's exit reason
   * @throws CallCycleError the server waits, directly or not, for this very process
   * @see https://www.erlang.org/doc/man/gen_server.html#call-3
   */
  call<M, const Q extends RequestOf<M>>(
    to: Target<M>,
    request: Q,
    options?: CallOptions,
  ): Promise<ReplyOf<M, Q>>;

  /**
   * Sends a request that expects no reply, to a process whose inbox has a `Cast` for it. Never fails:
   * it may arrive, or never; nobody there is no error.
   *
   * @see https://www.erlang.org/doc/man/gen_server.html#cast-2
   */
  cast<M, const Q extends CastOf<M>>(to: Address<M>, request: Q): void;

  /**
   * Answers a call; a caller that does not wait any more is not disturbed. What cannot be sent to the caller
   * is no error of who answers: the call rejects with `UnsendableReplyError`, and an `undelivered` event with
   * the `error`, which has the path to it, tells of it here.
   *
   * @throws InvalidArgumentError `from` is no reference, or the reply is a promise
   */
  reply<R>(from: From<R>, value: R): void;
  /** Answers a call with an error: the call rejects with it, or with its text where it cannot be sent as it is. */
  refuse(from: From<never>, error: Error): void;

  /**
   * Starts a behaviour and waits until it has started.
   *
   * @throws StartError it did not start: its `reason` is `"ignore"` when it decided not to, else why
   * @example
   * import { createNode, type Startable } from "@coppice/core";
   * const node = createNode();
   * const echo: Startable<string> = {
   *   start: (starter, options) =>
   *     starter.spawnAndWait<string>(options, async (self) => {
   *       self.initAck({});
   *       await self.receive();
   *     }),
   * };
   * const pid = await node.start(echo);
   * node.isAlive(pid); // => true
   * await node.stop();
   */
  start<M, A extends readonly unknown[] = []>(
    behaviour: Startable<M, A>,
    ...args: A
  ): Promise<Pid<M>>;

  /**
   * Gives a name to a process.
   *
   * @throws NameTakenError another process holds it
   * @throws AlreadyNamedError the process has a name
   * @throws NoProcessError the process is dead
   * @throws InvalidArgumentError it is of another node: names are of processes of their own
   * @see https://www.erlang.org/doc/man/erlang.html#register-2
   */
  register<M>(name: Name<M>, pid: Pid<NoInfer<M>>): void;
  /** @throws NameNotRegisteredError nobody holds it */
  unregister(name: Name<never>): void;
  /** Who holds the name now. */
  whereis<M>(name: Name<M>): Pid<M> | undefined;

  /**
   * A process that exits is not alive any more, although it may still be unwinding. Of another node's nobody here can
   * tell: monitor it.
   *
   * @throws InvalidArgumentError the pid is of another node
   */
  isAlive(pid: AnyPid): boolean;
  /** Facts about a process of this node; `undefined` when it is dead, or of another node. */
  processInfo(pid: AnyPid): ProcessInfo | undefined;

  /**
   * Sends `message` in `ms` milliseconds. A pid's timer ends with the process; a name is looked up
   * when the timer fires. What cannot be sent then is told as `undelivered`.
   *
   * @throws InvalidArgumentError `ms` is negative or no number
   * @throws UncloneableMessageError, UnsendableTermError as `send`
   * @see https://www.erlang.org/doc/man/erlang.html#send_after-3
   */
  sendAfter<M>(to: Address<M>, ms: number, message: M): TimerRef;
  /** Sends `{ type: "timeout", timer, message }` in `ms` milliseconds. */
  startTimer<T>(to: Address<Timeout<T>>, ms: number, message: T): TimerRef;
  /** Sends `message` every `ms` milliseconds, first in `ms`, until cancelled or either end has ended. */
  sendInterval<M>(to: Address<M>, ms: number, message: M): TimerRef;
  /** Stops a timer. Returns the milliseconds that were left, or `false` when it has fired or is none. */
  cancelTimer(timer: TimerRef): number | false;
  /** The milliseconds left, or `false` when it has fired, was cancelled, or is none. */
  readTimer(timer: TimerRef): number | false;

  /**
   * Waits for `ms` on the node's clock.
   *
   * @throws InvalidArgumentError `ms` is negative or no number
   */
  sleep(ms: number, options?: SleepOptions): Promise<void>;

  /** Milliseconds on the node's clock, from an arbitrary start. */
  now(): number;
  /** A number in [0, 1) from the node's source of randomness. */
  random(): number;
}
