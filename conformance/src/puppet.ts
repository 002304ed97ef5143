/** Puppets: plain processes that execute one op at a time when told to. */
import type { Self } from "@coppice/core";
import { leave, perform, performAll, type Actor, type Result, type Scope } from "./op.js";
import type { Op } from "./program.js";
import type { World } from "./world.js";

/** A step that a puppet is to execute. */
export interface Command {
  readonly op: Op;
  /** Its index among the steps of the program. */
  readonly step: number;
  readonly scope: Scope;
  done(result: Result): void;
}

export class Puppet {
  readonly #world: World;
  readonly #name: string;
  readonly #commands: Command[] = [];
  /** Ends its wait for a command. */
  #wake: { resolve: () => void; reject: (reason: unknown) => void } | undefined;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#name = name;
  }

  /** Hands it a command, past its mailbox. */
  give(command: Command): void {
    this.#commands.push(command);
    this.#wake?.resolve();
  }

  /** What the process does: the ops of `body`, whose exceptions end it, then commands for ever. `step` is the one that made it. */
  async live(self: Self<unknown>, body: readonly Op[], scope: Scope, step: number): Promise<void> {
    const actor: Actor = { world: this.#world, name: this.#name, self, step };
    self.signal.addEventListener("abort", () => this.#wake?.reject(self.signal.reason));
    try {
      await performAll(actor, body, scope);
      for (;;) {
        const command = await this.#nextCommand(self);
        actor.step = command.step;
        command.done(await perform(actor, command.op, command.scope));
      }
    } catch (thrown) {
      leave(actor, thrown);
    }
  }

  async #nextCommand(self: Self<unknown>): Promise<Command> {
    self.signal.throwIfAborted();
    let command: Command | undefined;
    while ((command = this.#commands.shift()) === undefined) {
      await new Promise<void>((resolve, reject) => (this.#wake = { resolve, reject }));
      this.#wake = undefined;
      self.signal.throwIfAborted();
    }
    return command;
  }
}
