/** Terms as programs send them to other nodes, one of each kind. */

export const TERMS = {
  /** What a message most often is. */
  record: {
    type: "reading",
    sensor: "boiler-7",
    celsius: 71.25,
    sequence: 18_204,
    ok: true,
    labels: ["north", "hall 3"],
    at: { room: "cellar", shelf: 4 },
  },
  /** A page of a table. */
  list: Array.from({ length: 100 }, (_, id) => ({
    id,
    name: `customer ${id}`,
    balance: id * 1.5,
    active: id % 3 !== 0,
    city: "Zürich",
  })),
  /** A blob. */
  bytes: new Uint8Array(1_000).fill(7),
  /** A document. */
  text: "The quick brown fox jumps over the lazy dog. ".repeat(100),
} as const;

export type TermKind = keyof typeof TERMS;
