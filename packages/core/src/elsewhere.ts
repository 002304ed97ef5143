/** Places at other nodes: whoever holds a name there, whose pid is not known here. */
import { ProcessId } from "./pid.js";
import type { Process } from "./process.js";

/** Stands for whoever holds `token` at a node, where signals need somebody to go to. */
export class Elsewhere extends ProcessId<Process> {
  readonly token: string;

  constructor(node: string, token: string) {
    super({ name: node, incarnation: 0 }, 0, undefined, `${token}@${node}`);
    this.token = token;
  }

  override toString(): string {
    return `<${this.token}@${this.node}>`;
  }

  override toJSON(): string {
    return this.toString();
  }
}
