/** What people call the processes of a run: registered names and functions instead of places in a tree. */
import { keyOf, type NodeEvent } from "@coppice/core";
import type { Program } from "./run-program.js";

export interface NamedProgram {
  readonly program: Program;
  /** What a process was called in the runs so far; what its key says when it was called nothing. */
  readonly nameOf: (actor: string) => string;
}

/** The same program, and what its processes are called. */
export function withNames(program: Program): NamedProgram {
  const registered = new Map<string, string>();
  const calls = new Map<string, string>();
  const nodes = new Set<string>();
  const note = (event: NodeEvent): void => {
    if (event.type === "registered") registered.set(keyOf(event.pid), event.name);
    else if (event.type === "spawned") calls.set(keyOf(event.pid), event.initialCall);
  };
  return {
    program(sim) {
      const makeNode = sim.node;
      sim.node = (...args) => {
        const node = makeNode.apply(sim, args);
        nodes.add(node.name);
        node.events.subscribe(note);
        return node;
      };
      return program(sim);
    },
    nameOf(actor) {
      const [node = "", ...places] = actor.split("/");
      const where = nodes.size > 1 ? `${node}/` : "";
      const name = registered.get(actor);
      if (name !== undefined) return where + name;
      // A place that is a number says little: then what runs there.
      const call = /^\d+$/.test(places.at(-1) ?? "0") ? plainCall(calls.get(actor)) : "";
      const path = places.length === 0 ? node : where + places.join("/");
      return call === "" ? path : `${path} ${call}`;
    },
  };
}

function plainCall(call: string | undefined): string {
  return call !== undefined && /^[\w$.]+$/.test(call) ? call : "";
}
