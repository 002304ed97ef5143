/** P21: of two writes with equal timestamps, each replica keeps the one that came last. */
import type { Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

interface Version {
  readonly value: string;
  readonly at: number;
  readonly by: string;
}
type Replica = Tell<"write", { value: string }> | Tell<"merge", Version>;

const NAMES = ["a", "b", "c"];

export const p21: Entry = {
  id: "P21",
  title: "last writer wins, with equal timestamps",
  source: "Kingsbury, Jepsen: Cassandra, 2013",
  optimum: { base: "lifo", constraints: 1 },
  classes: { all: 6, failing: 2 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    const replicas = new Map<string, Pid<Replica>>();
    const versions = new Map<string, Version>();
    for (const name of NAMES) {
      versions.set(name, { value: "", at: 0, by: "" });
      const own = (): Version => versions.get(name) as Version;
      replicas.set(
        name,
        spawn(
          name,
          server<Replica>({
            write: (self, { value }) => {
              const version = { value, at: own().at + 1, by: name };
              versions.set(name, version);
              for (const other of NAMES) {
                if (other === name) continue;
                self.send(replicas.get(other) as Pid<Replica>, { type: "merge", ...version });
              }
            },
            merge: (_self, { value, at, by }) => {
              const winsTie = variant === "buggy" || by > own().by;
              if (at > own().at || (at === own().at && winsTie)) {
                versions.set(name, { value, at, by });
              }
            },
          }),
        ),
      );
    }
    spawn<never>("env", (self) => {
      self.send(replicas.get("a") as Pid<Replica>, { type: "write", value: "A" });
      self.send(replicas.get("b") as Pid<Replica>, { type: "write", value: "B" });
    });
    sim.finally(
      "replicas agree",
      () => new Set([...versions.values()].map(({ value }) => value)).size === 1,
    );
  },
};
