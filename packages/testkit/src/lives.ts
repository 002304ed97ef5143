/** The lives of the nodes of a simulation: under each name the present one, or the last. */
import type { Node, NodeOptions } from "@coppice/core";
import type { NodeTime } from "./sim-time.js";

export type SimNodeOptions = Omit<
  NodeOptions,
  "name" | "clock" | "scheduler" | "random" | "turnMs" | "blockedMs"
>;

/** What a node does in each of its lives. */
export type Boot = (node: Node) => void;

export interface Life {
  readonly name: string;
  readonly options: SimNodeOptions;
  readonly boot: Boot | undefined;
  readonly time: NodeTime;
  readonly node: Node;
  /** Which one it is, from 1. */
  readonly number: number;
  isUp: boolean;
}

/** How many are found without a table. */
const FEW = 8;

export class Lives {
  readonly #all: Life[] = [];
  #byName: Map<string, Life> | undefined = undefined;

  /** In the order in which their names were first used. */
  get all(): readonly Life[] {
    return this.#all;
  }

  get(name: string): Life | undefined {
    if (this.#byName !== undefined) return this.#byName.get(name);
    const all = this.#all;
    for (let i = 0; i < all.length; i++) {
      const life = all[i] as Life;
      if (life.name === name) return life;
    }
    return undefined;
  }

  /** It takes the place of the one before under its name. */
  begin(life: Life): void {
    const all = this.#all;
    const place = all.findIndex(({ name }) => name === life.name);
    if (place === -1) all.push(life);
    else all[place] = life;
    if (all.length > FEW) this.#byName ??= new Map(all.map((one) => [one.name, one]));
    this.#byName?.set(life.name, life);
  }
}
