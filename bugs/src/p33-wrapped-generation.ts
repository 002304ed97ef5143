/** P33: a generation number wraps around, and an answer of long ago is taken for one of now. */
import type { Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Pong = Tell<"pong", { generation: number; round: number }>;
type Ping = Tell<"ping", { generation: number; round: number; from: Pid<Pong> }>;

function wrapping(modulus: number): Entry["program"] {
  return (variant) => (sim) => {
    const { spawn } = stage(sim);
    const wrap = variant === "fixed" ? 64 : modulus;
    const peers = ["peer", "peer2"].map((key) =>
      spawn(
        key,
        server<Ping>({
          ping: (self, { generation, round, from }) =>
            self.send(from, { type: "pong", generation, round }),
        }),
      ),
    );
    spawn<Pong>("hub", async (self) => {
      for (let round = 1; round <= modulus + 1; round++) {
        const generation = round % wrap;
        for (const peer of peers) {
          self.send(peer, { type: "ping", generation, round, from: self.pid });
        }
        let pong = await self.receive();
        while (pong.generation !== generation) pong = await self.receive();
        if (pong.round !== round) {
          sim.fail("answers of this round only", `round ${pong.round} taken for ${round}`);
        }
      }
    });
  };
}

export const p33: Entry = {
  id: "P33",
  title: "a generation wraps: one message overtaken by four rounds",
  source: "protection against wrapped sequence numbers, RFC 7323",
  optimum: { base: "fifo", constraints: 1 },
  classes: { all: 252, failing: 10 },
  program: wrapping(4),
};

export const p33h: Entry = {
  id: "P33h",
  title: "a generation wraps: one message overtaken by eight rounds",
  source: "P33, hardened",
  optimum: { base: "fifo", constraints: 1 },
  program: wrapping(8),
};
