/**
 * Nodes that are slow for a while: what becomes possible there happens later, but in the same order.
 *
 * A machine that swaps, collects garbage or shares its processor does everything, and does it late. Its clock is
 * right; others do not wait for it.
 */

import { checkKeys, InvalidArgumentError } from "@coppice/core";

/** How slow a node is, and how long. */
export interface SlowSpell {
  /** So much later happens what could happen. */
  readonly byMs: number;
  /** For so long, in true time. */
  readonly forMs: number;
}

/** @throws InvalidArgumentError it lacks one of the two, or they are no positive numbers */
export function checkSlowSpell(argument: string, spell: SlowSpell): SlowSpell {
  if (typeof spell !== "object" || spell === null) {
    throw new InvalidArgumentError(argument, "{ byMs, forMs }", spell);
  }
  checkKeys(argument, spell, ["byMs", "forMs"]);
  for (const option of ["byMs", "forMs"] as const) {
    const value = spell[option];
    if (typeof value === "number" && value > 0 && value < Infinity) continue;
    throw new InvalidArgumentError(`${argument}.${option}`, "a number greater than 0", value);
  }
  return spell;
}

/** In true time, in ms. */
interface Spell {
  readonly node: string;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly byMs: number;
}

export class SlowNodes {
  readonly #spells: Spell[] = [];

  add(spell: Spell): void {
    this.#spells.push(spell);
  }

  /** Is any of them late, or may something of it be? */
  isOn(nowMs: number): boolean {
    return this.#spells.some(({ untilMs, byMs }) => nowMs < untilMs + byMs);
  }

  /** When that happens at the earliest which could happen at `atMs` if the node was not slow. */
  notBeforeMs(node: string, atMs: number): number {
    let lateMs = atMs;
    for (const spell of this.#spells) {
      if (spell.node === node) lateMs = Math.max(lateMs, lateIn(spell, atMs));
    }
    return lateMs;
  }
}

/** What could happen after the spell does not overtake what could happen in it. */
function lateIn({ fromMs, untilMs, byMs }: Spell, atMs: number): number {
  return Math.min(Math.max(atMs, fromMs), untilMs) + byMs;
}
