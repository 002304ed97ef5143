/** One buggy protocol of the catalogue, with its mended variant and what is known about it. */
import type { Profile, Program } from "@coppice/testkit";

/** `"buggy"` has the bug; `"fixed"` is the same protocol without it. */
export type Variant = "buggy" | "fixed";

export interface Entry {
  /** `P01` … `P44`; hardened variants have a letter behind it. */
  readonly id: string;
  readonly title: string;
  /** Where the protocol and its bug were described. */
  readonly source: string;
  /** What it needs of the network; `"pairFifo"` by default. */
  readonly profile?: Profile;
  /** The smallest set of ordering constraints that is known to explain a failure. */
  readonly optimum: Optimum;
  /** Inequivalent schedules under `pairFifo` and how many of them fail, where that is known. */
  readonly classes?: { readonly all: number; readonly failing: number };
  program(variant: Variant): Program;
}

/** Explanations are relative to a base order: FIFO, or LIFO where FIFO itself fails. */
export interface Optimum {
  readonly base: "fifo" | "lifo";
  readonly constraints: number;
}
