/** Faults between processes of one machine, over loopback. */
import { must, now, sleep, until, type Peer, type World } from "./fault-world.js";
import type { Latency } from "./fault-peer.js";

export interface Row {
  readonly name: string;
  /** Why this machine cannot do it. */
  readonly missing?: () => string | undefined;
  /** Gives what was measured; throws when something does not hold. */
  readonly run: (world: World) => Promise<string>;
}

const MIB = 1024 * 1024;
const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;

/** How often each session ended at a peer, and why. */
export async function ends(peer: Peer): Promise<number[]> {
  return (await peer.ask("events")).flatMap((event) =>
    event.type === "down" ? [event["code"] as number] : [],
  );
}

async function allTold(peer: Peer, count: number): Promise<{ firstMs: number; lastMs: number }> {
  await until(`${count} are told`, 10_000, async () => (await peer.ask("told")).count >= count);
  await sleep(100);
  const told = await peer.ask("told");
  must(told.count === count, `${told.count} were told and not ${count}: each once`);
  must(told.reasons.join() === "noconnection", `they were told ${told.reasons.join()}`);
  return told;
}

/**
 * How long calls take beside a load, and beside the same load those of two others that have nothing to do
 * with it: so that what the processors are short of is not laid to the protocol.
 */
async function beside(
  world: World,
  caller: Peer,
  to: string,
  forMs: number,
): Promise<{ readonly calls: Latency; readonly others: Latency; readonly said: string }> {
  const { x, y } = await others(world);
  const [calls, unconcerned] = await Promise.all([
    caller.ask("calls", to, forMs, 2),
    x.ask("calls", y.name, forMs, 2),
  ]);
  must(calls.failed === 0, `calls failed: ${calls.errors.join()}`);
  const said = `${calls.calls} calls beside it: p50 ${ms(calls.p50)}, p99 ${ms(calls.p99)} (of two unconcerned: ${ms(unconcerned.p50)}, ${ms(unconcerned.p99)})`;
  return { calls, others: unconcerned, said };
}

const unconcerned = new WeakMap<World, { readonly x: Peer; readonly y: Peer }>();

async function others(world: World): Promise<{ readonly x: Peer; readonly y: Peer }> {
  let pair = unconcerned.get(world);
  if (pair === undefined) {
    const y = await world.peer({ name: "y", listen: { port: 0 } });
    const x = await world.peer({ name: "x", addresses: { y: y.address } });
    await x.ask("calls", "y", 200);
    unconcerned.set(world, (pair = { x, y }));
  }
  return pair;
}

/** Within twice what others have, and what a machine that is shared makes of it. */
function mustBeFair(calls: Latency, others: Latency, said: string): void {
  must(calls.p99 < 2 * others.p99 + 15, said);
}

export const LOOPBACK_ROWS: readonly Row[] = [
  {
    name: "kill -9 peer",
    run: async (world) => {
      const { a, b } = await world.pair();
      await a.ask("watch", "b", 1_000, 200);
      const port = Number(new URL(b.address).port);
      const killedMs = now();
      b.kill();
      const { lastMs } = await allTold(a, 1_200);
      must(lastMs - killedMs < 100, `the last was told after ${ms(lastMs - killedMs)}`);
      must((await a.ask("nodes")).length === 0, "the session is still there");
      const again = await world.peer({ name: "b", listen: { port } });
      void again;
      await until("the new life is reached", 5_000, async () =>
        a.ask("pid", "b").then(
          () => true,
          () => false,
        ),
      );
      const [{ links, monitors } = { links: -1, monitors: -1 }] = await a.ask("nodes");
      must(links === 0 && monitors === 0, `left behind: ${links} links, ${monitors} monitors`);
      return `1200 watchers told once, the last after ${ms(lastMs - killedMs)}; the new life answers, no table keeps anything`;
    },
  },
  {
    name: "pause shorter than hear (SIGSTOP)",
    run: async (world) => {
      const { a, b } = await world.pair({ hearMs: 3_000 });
      await a.ask("watch", "b", 10, 10);
      b.signal("SIGSTOP");
      await sleep(2_000);
      b.signal("SIGCONT");
      await sleep(2_000);
      const { calls, failed } = await a.ask("calls", "b", 200);
      must(failed === 0 && calls > 0, "calls fail");
      must((await ends(a)).length === 0 && (await ends(b)).length === 0, "the session ended");
      must((await a.ask("told")).count === 0, "somebody was told of an end");
      return "stopped for 2 s of 3 s: the session lives, nobody was told";
    },
  },
  {
    name: "pause longer than hear (SIGSTOP)",
    run: async (world) => {
      const c = await world.peer({ name: "c", listen: { port: 0 }, hearMs: 30_000 });
      const b = await world.peer({
        name: "b",
        listen: { port: 0 },
        hearMs: 1_500,
        addresses: { c: c.address },
      });
      const a = await world.peer({ name: "a", addresses: { b: b.address }, hearMs: 1_500 });
      await a.ask("watch", "b", 100, 100);
      await b.ask("watch", "c", 10, 10);
      await b.ask("pid", "c");
      const stoppedMs = now();
      b.signal("SIGSTOP");
      const { lastMs } = await allTold(a, 200);
      await sleep(Math.max(0, 4_000 - (now() - stoppedMs)));
      b.signal("SIGCONT");
      await until("the woken side knows", 3_000, async () => (await ends(b)).length > 0);
      const { failed, errors } = await a.ask("calls", "b", 300);
      must(failed === 0, `a new session does not come about: ${errors.join()}`);
      // Its peer that has heard nothing for 4 s, and accepts 30 s, is not declared dead by who slept.
      await sleep(1_600);
      const toC = (await b.ask("events")).filter(
        (event) => event.type === "down" && event["node"] === "c",
      );
      must(toC.length === 0, "who woke declared a third dead");
      must((await b.ask("told")).count === 0, "those who watch the third were told of an end");
      return `noconnection after ${ms(lastMs - stoppedMs)} of 1500; the woken side ends its old session, connects anew, and its other peer lives`;
    },
  },
  {
    name: "simultaneous dial",
    run: async (world) => {
      const a = await world.peer({
        name: "a",
        listen: { port: 18_931 },
        addresses: { b: "ws://127.0.0.1:18932" },
      });
      const b = await world.peer({
        name: "b",
        listen: { port: 18_932 },
        addresses: { a: "ws://127.0.0.1:18931" },
      });
      const rounds = 40;
      for (let round = 0; round < rounds; round++) {
        await Promise.all([a.ask("calls", "b", 1), b.ask("calls", "a", 1)]);
        const [atA, atB] = [await a.ask("nodes"), await b.ask("nodes")];
        must(
          atA.length === 1 && atB.length === 1,
          `round ${round}: ${atA.length} and ${atB.length} sessions`,
        );
        await a.ask("disconnect", "b");
        await until("it is over", 2_000, async () => (await b.ask("nodes")).length === 0);
      }
      const [ofA, ofB] = [await a.eventTypes(), await b.eventTypes()];
      const ups = (types: string[]): number => types.filter((type) => type === "up").length;
      must(
        ups(ofA) === rounds && ups(ofB) === rounds,
        `${ups(ofA)} and ${ups(ofB)} sessions in ${rounds} rounds`,
      );
      return `${rounds} rounds: one session each, both sides agree`;
    },
  },
  {
    name: "slow reader",
    run: async (world) => {
      const b = await world.peer({ name: "b", listen: { port: 0 } });
      const c = await world.peer({ name: "c", listen: { port: 0 } });
      const a = await world.peer({ name: "a", addresses: { b: b.address, c: c.address } });
      await a.ask("pid", "b");
      await c.ask("pid", "c");
      await others(world);
      await a.ask("calls", "c", 300, 2);
      const before = await a.ask("memory");
      const blocked = b.ask("block", 3_500);
      const pumped = a.ask("pump", "b", 3_000, 16_384);
      await sleep(300);
      const { calls, others: unconcerned, said } = await beside(world, a, "c", 2_000);
      const sent = await pumped;
      await blocked;
      const grown = (await a.ask("memory")) - before;
      must((await a.eventTypes()).includes("busy"), "it was never busy");
      must((await ends(a)).length === 0, "the session ended");
      must(grown < 64 * MIB, `memory grew by ${Math.round(grown / MIB)} MiB`);
      mustBeFair(calls, unconcerned, said);
      await until("all arrives", 5_000, async () => (await b.ask("order")).count === sent);
      const { inversions, repeats } = await b.ask("order");
      must(inversions + repeats === 0, "out of order");
      return `busy, ${sent} sent and in order, memory +${Math.round(grown / MIB)} MiB, ${said}`;
    },
  },
  {
    name: "big beside small",
    run: async (world) => {
      const { a, b } = await world.pair();
      await others(world);
      await a.ask("calls", "b", 300, 2);
      const sending = a.ask("send", "b", 12, 16 * MIB - 1_024);
      const { calls, others: unconcerned, said } = await beside(world, a, "b", 1_500);
      await sending;
      await until("all arrive", 10_000, async () => (await b.ask("order")).count === 12);
      const { inversions, repeats } = await b.ask("order");
      must(inversions + repeats === 0, "the order is wrong");
      must(calls.p99 < 50 + 5 * unconcerned.p99, said);
      return `12 messages of 16 MiB in order; ${said}`;
    },
  },
  {
    name: "flood of a client",
    run: async (world) => {
      const b = await world.peer({ name: "b", listen: { port: 0 }, exported: true });
      const quiet = await world.peer({ name: "quiet", addresses: { b: b.address } });
      const flood = await world.peer({
        name: "flood",
        role: "client",
        addresses: { b: b.address },
      });
      await quiet.ask("calls", "b", 300);
      await others(world);
      const pumped = flood.ask("pump", "b", 2_500, 100);
      await sleep(100);
      const { calls, others: unconcerned, said } = await beside(world, quiet, "b", 2_000);
      await pumped;
      mustBeFair(calls, unconcerned, said);
      const closed = (await ends(flood)).length;
      must(closed > 0, "it was never closed");
      const { count } = await b.ask("order");
      // What it may say at once, and what it may say in each second, in however many sessions.
      must(count <= 10_000 + 2_000 * 10, `${count} were taken`);
      return `closed ${closed} times, ${count} of its casts were taken; ${said}`;
    },
  },
  {
    name: "flood of a node",
    run: async (world) => {
      const b = await world.peer({ name: "b", listen: { port: 0 } });
      const quiet = await world.peer({ name: "quiet", addresses: { b: b.address } });
      const flood = await world.peer({ name: "flood", addresses: { b: b.address } });
      await quiet.ask("calls", "b", 300);
      await others(world);
      const pumped = flood.ask("pump", "b", 2_500, 100);
      await sleep(200);
      const { calls, others: unconcerned, said } = await beside(world, quiet, "b", 2_000);
      const sent = await pumped;
      // It may say as much as b can take in; others have their turn in between.
      must(calls.p99 < 50 + 5 * unconcerned.p99, said);
      return `${sent} casts; ${said}`;
    },
  },
  {
    name: "truncated or corrupted frame",
    run: async (world) => {
      const b = await world.peer({ name: "b", listen: { port: 0 } });
      const proxy = await world.proxy(b.address);
      const a = await world.peer({ name: "a", addresses: { b: proxy.address } });
      let closed = 0;
      let cases = 0;
      // The bytes of one frame on the wire: 6 of the WebSocket (head and mask), then the frame.
      for (const at of [0, 1, 2, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 20, 30]) {
        for (const how of ["flip", "cut"] as const) {
          proxy.alter = (bytes) => bytes;
          await until("connected", 8_000, async () => (await a.ask("connect", "b")) === "");
          const before = (await ends(b)).length;
          const { count } = await b.ask("order");
          let done = false;
          proxy.alter = (bytes, toServer) => {
            if (!toServer || done) return bytes;
            done = true;
            if (how === "flip") {
              const altered = Buffer.from(bytes);
              altered[at % bytes.length] = (altered[at % bytes.length] as number) ^ 0xff;
              return altered;
            }
            return undefined;
          };
          cases++;
          // One message with one number: it arrives whole, or not at all.
          await a.ask("send", "b", 1, 0);
          await sleep(30);
          must(done, "nothing went over the wire");
          const after = (await ends(b)).length;
          closed += after - before;
          const { count: counted } = await b.ask("order");
          must(
            counted === count || after === before,
            `byte ${at}, ${how}: a frame was taken in part`,
          );
          if (how === "cut") must(after > before, `byte ${at}, cut: the session did not end`);
        }
      }
      proxy.alter = (bytes) => bytes;
      await until("connected", 8_000, async () => (await a.ask("connect", "b")) === "");
      must((await a.ask("calls", "b", 50)).failed === 0, "the node does not answer any more");
      must(closed >= cases / 2 + 5, `only ${closed} of ${cases} ended the session`);
      return `${cases} frames changed or cut: ${closed} sessions ended, none took part of a frame; both nodes go on`;
    },
  },
  {
    name: "mid-handshake death",
    run: async (world) => {
      const b = await world.peer({ name: "b", listen: { port: 0 }, handshakeMs: 1_000 });
      const proxy = await world.proxy(b.address);
      // The upgrade and its answer, HELLO, CHALLENGE, PROOF, ACCEPT: the one with that number is the last.
      let passed = 0;
      let last = 0;
      let silently = false;
      proxy.alter = (bytes) => {
        if (++passed <= last) return bytes;
        return silently ? Buffer.alloc(0) : undefined;
      };
      const deaths: string[] = [];
      for (silently of [false, true]) {
        for (last = 1; last <= 5; last++) {
          passed = 0;
          const a = await world.peer({
            name: `a${last}${silently}`,
            addresses: { b: proxy.address },
            handshakeMs: 1_000,
          });
          const startMs = now();
          const error = await a.ask("connect", "b");
          if (error !== "") deaths.push(ms(now() - startMs));
          must(error !== "" || last === 5, `it connected after ${last} messages`);
          must(now() - startMs < 2_500, `the dialler waited ${ms(now() - startMs)}`);
          await a.killed();
        }
      }
      last = Infinity;
      await until("slots are free", 3_000, async () => (await b.ask("nodes")).length === 0);
      const late = await world.peer({ name: "late", join: [proxy.address] });
      await until("it joins", 5_000, async () => (await late.ask("nodes")).length === 1);
      return `after each of 5 messages, cut or silent: over in at most ${deaths.at(-1) ?? "no time"}; who comes later joins`;
    },
  },
  {
    name: "loop stall 3 s",
    run: async (world) => {
      const { a, b } = await world.pair();
      await a.ask("watch", "b", 10, 10);
      await b.ask("block", 3_000);
      await sleep(500);
      must((await ends(a)).length === 0 && (await ends(b)).length === 0, "the session ended");
      must((await a.ask("calls", "b", 100)).failed === 0, "calls fail");
      must((await b.eventTypes()).includes("blocked"), "nobody was warned");
      return "no death at the defaults; a `blocked` event";
    },
  },
];
