/**
 * P32: a read that does not write back what it read lets a later read return an older value.
 */
import type { Pid, Self } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

interface Version {
  readonly at: number;
  readonly value: number;
}
type Client = Tell<"answer", { id: number } & Version> | Tell<"go">;
type Replica =
  | Tell<"read", { id: number; from: Pid<Client> }>
  | Tell<"write", { id: number; from: Pid<Client> } & Version>;

export const p32: Entry = {
  id: "P32",
  title: "ABD register: read without write-back",
  source: "Attiya, Bar-Noy and Dolev, Sharing memory robustly in message-passing systems, 1995",
  optimum: { base: "fifo", constraints: 3 },
  classes: { all: 11_664, failing: 432 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    const replicas = ["a", "b", "c"].map((key) => {
      let version: Version = { at: 0, value: 0 };
      return spawn(
        key,
        server<Replica>({
          read: (self, { id, from }) => self.send(from, { type: "answer", id, ...version }),
          write: (self, { id, from, at, value }) => {
            if (at > version.at) version = { at, value };
            self.send(from, { type: "answer", id, ...version });
          },
        }),
      );
    });
    let requests = 0;
    const quorum = async (
      self: Self<Client>,
      request: { readonly type: "read" } | ({ readonly type: "write" } & Version),
    ): Promise<Version[]> => {
      const id = ++requests;
      for (const replica of replicas) self.send(replica, { ...request, id, from: self.pid });
      const answers: Version[] = [];
      while (answers.length < 2) {
        const isMine = (m: Client): boolean => m.type === "answer" && m.id === id;
        answers.push((await self.receive(isMine)) as never);
      }
      return answers;
    };
    const read = async (self: Self<Client>): Promise<number> => {
      const answers = await quorum(self, { type: "read" });
      const newest = answers.reduce((x, y) => (y.at > x.at ? y : x));
      const { at, value } = newest;
      if (variant === "fixed") await quorum(self, { type: "write", at, value });
      return value;
    };
    spawn<Client>(
      "w",
      async (self) => void (await quorum(self, { type: "write", at: 1, value: 1 })),
    );
    let first = 0;
    let second: Pid<Client>;
    spawn<Client>("r", async (self) => {
      first = await read(self);
      self.send(second, { type: "go" });
    });
    second = spawn<Client>("r2", async (self) => {
      await self.receive((message) => message.type === "go");
      const value = await read(self);
      if (value < first) sim.fail("reads do not go back", `read ${value} after ${first}`);
    });
  },
};
