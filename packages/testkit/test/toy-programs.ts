/** Programs for the toy kernel: protocols whose shortest explanation is known. */
import type { Message, Toy, ToySelf } from "./toy-kernel.js";

/** The reader may fill the cache with what it read before the writer invalidated it: two constraints. */
export function cacheFill(toy: Toy): void {
  let db = 0;
  let cache: number | undefined;
  toy.spawn("cache", function* (self) {
    for (;;) {
      const { t, v } = (yield self.receive()) as Message;
      if (t === "get") self.send("rd", cache === undefined ? "miss" : "hit", cache);
      if (t === "fill") cache = v as number;
      if (t === "inval") cache = undefined;
    }
  });
  toy.spawn("db", function* (self) {
    for (;;) {
      const { t, v } = (yield self.receive()) as Message;
      if (t === "get") self.send("rd", "val", db);
      else {
        db = v as number;
        self.send("wr", "ok");
      }
    }
  });
  toy.spawn("rd", function* (self) {
    self.send("cache", "get");
    yield self.receive();
    self.send("db", "get");
    self.send("cache", "fill", ((yield self.receive()) as Message).v);
  });
  toy.spawn("wr", function* (self) {
    self.send("db", "set", 1);
    yield self.receive();
    self.send("cache", "inval");
  });
  toy.atRest(() => {
    if (cache !== undefined && cache !== db) toy.fail(`cache has ${cache}, db has ${db}`);
  });
}

/** Two clients read a counter and write it back: FIFO itself fails, LIFO passes. */
export function lostUpdate(toy: Toy): void {
  let value = 0;
  toy.spawn("ctr", function* (self) {
    for (;;) {
      const { t, from, v } = (yield self.receive()) as Message;
      if (t === "get") self.send(from, "val", value);
      else value = v as number;
    }
  });
  for (const client of ["c1", "c2"]) {
    toy.spawn(client, function* (self) {
      self.send("ctr", "get");
      self.send("ctr", "set", (((yield self.receive()) as Message).v as number) + 1);
    });
  }
  toy.atRest(() => {
    if (value !== 2) toy.fail(`${value} after two increments`);
  });
}

/** What C sends to B may overtake what A sent to B before it told C: one constraint. */
export function useBeforeConfigure(toy: Toy): void {
  toy.spawn("B", function* (self) {
    if (((yield self.receive()) as Message).t !== "cfg") self.fail("use came before cfg");
    yield self.receive();
  });
  toy.spawn("C", function* (self) {
    yield self.receive();
    self.send("B", "use");
  });
  toy.spawn("A", function* (self) {
    self.send("B", "cfg");
    self.send("C", "go");
    yield self.receive();
  });
}

/** The reply may come after the timeout, and is then taken for the next one: one constraint. */
export function lateReply(toy: Toy): void {
  toy.spawn("srv", function* (self) {
    for (;;) self.send("cli", "ans", (((yield self.receive()) as Message).v as number) * 10);
  });
  toy.spawn("cli", function* (self) {
    for (const x of [1, 2]) {
      self.send("srv", "q", x);
      const answer = (yield self.receive(() => true, 10)) as Message | undefined;
      if (answer !== undefined && answer.v !== x * 10) {
        self.fail(`${String(answer.v)} is no answer to ${x}`);
      }
    }
  });
}

/** A crash between the reply and the write loses what was acknowledged: one fault, no constraint. */
export function ackBeforePersist(toy: Toy): void {
  let disk = 0;
  let acknowledged = 0;
  let count = 0;
  toy.spawn("srv", function* (self) {
    for (;;) {
      const { t } = (yield self.receive()) as Message;
      if (t === "inc") {
        count++;
        self.send("cli", "ok");
        self.send("srv", "flush");
      } else disk = count;
    }
  });
  toy.spawn("cli", function* (self) {
    for (let i = 0; i < 2; i++) {
      self.send("srv", "inc");
      yield self.receive();
      acknowledged++;
    }
  });
  toy.fault("crash:srv", "srv", () => (count = disk));
  toy.budget(1);
  toy.atRest(() => {
    if (disk < acknowledged) toy.fail(`${acknowledged} acknowledged, ${disk} on disk`);
  });
}

/** The program beside `pairs` pairs of processes that talk among themselves, half of which were there before. */
export function withNoise(program: (toy: Toy) => void, pairs: number): (toy: Toy) => void {
  return (toy) => {
    for (let i = 0; i < pairs / 2; i++) spawnPair(toy, i);
    program(toy);
    for (let i = pairs / 2; i < pairs; i++) spawnPair(toy, i);
  };
}

function spawnPair(toy: Toy, i: number): void {
  toy.spawn(`ping${i}`, function* (self: ToySelf) {
    for (let round = 0; round < 4; round++) {
      self.send(`pong${i}`, "ping");
      yield self.receive();
    }
  });
  toy.spawn(`pong${i}`, function* (self: ToySelf) {
    for (;;) {
      yield self.receive();
      self.send(`ping${i}`, "pong");
    }
  });
}
