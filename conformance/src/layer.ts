/** Layers: what programs are about, from plain processes to supervision trees. */
import { COMMON_OPS, type OpTable } from "./op.js";
import type { Vocabulary } from "./program.js";

export interface Layer {
  readonly name: string;
  readonly ops: OpTable;
}

export function vocabularyOf(layer: Layer): Vocabulary {
  const own = [...layer.ops].map(([op, { needs }]): [string, readonly string[]] => [op, needs]);
  return new Map([...COMMON_OPS, ...own]);
}
