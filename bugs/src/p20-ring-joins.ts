/**
 * P20: two nodes join a ring at the same place, and one is lost.
 *
 * Each asks for its predecessor, and then tells that predecessor to point to it: the second to do so
 * overwrites the first. Mended by a predecessor that changes its pointer as it answers.
 */
import type { HandlerSelf, Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Ring =
  | Tell<"find", { joiner: number }>
  | Tell<"found", { successor: number; predecessor: number }>
  | Tell<"setSuccessor", { id: number }>;

/** Is `x` on the way from `a` to `b`, around the ring? */
function isBetween(a: number, x: number, b: number): boolean {
  return a < b ? x > a && x < b : x > a || x < b;
}

export const p20: Entry = {
  id: "P20",
  title: "concurrent joins lose a member of the ring",
  source: "Zave, Using lightweight modeling to understand Chord, 2012",
  optimum: { base: "lifo", constraints: 1 },
  classes: { all: 6, failing: 4 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    const members = new Map<number, Pid<Ring>>();
    const successors = new Map<number, number>([
      [0, 30],
      [30, 0],
    ]);
    const tell = (self: Pick<HandlerSelf<Ring>, "send">, id: number, message: Ring): void =>
      self.send(members.get(id) as Pid<Ring>, message);
    for (const id of [0, 30, 10, 20]) {
      const early: Ring[] = [];
      members.set(
        id,
        spawn(
          `r${id}`,
          server<Ring>({
            find: (self, message) => {
              const { joiner } = message;
              const successor = successors.get(id);
              if (successor === undefined) early.push(message);
              else if (isBetween(id, joiner, successor)) {
                tell(self, joiner, { type: "found", successor, predecessor: id });
                if (variant === "fixed") successors.set(id, joiner);
              } else tell(self, successor, message);
            },
            found: (self, { successor, predecessor }) => {
              successors.set(id, successor);
              if (variant === "buggy") tell(self, predecessor, { type: "setSuccessor", id });
              for (const message of early.splice(0)) tell(self, id, message);
            },
            setSuccessor: (_self, message) => void successors.set(id, message.id),
          }),
        ),
      );
    }
    for (const [key, at, joiner] of [
      ["j10", 0, 10],
      ["j20", 30, 20],
    ] as const) {
      spawn<never>(key, (self) =>
        self.send(members.get(at) as Pid<Ring>, { type: "find", joiner }),
      );
    }
    sim.finally("the ring has all members", () => {
      const seen = new Set<number>();
      for (let at: number | undefined = 0; at !== undefined && !seen.has(at);) {
        seen.add(at);
        at = successors.get(at);
      }
      return seen.size === 4;
    });
  },
};
