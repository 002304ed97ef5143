/** Deterministic simulation of nodes, time and network. */

export {};
