/** Faults of the network between two machines, and of clocks: in namespaces that each row makes for itself. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ends, type Row } from "./fault-rows.js";
import { Cable, must, Skipped, now, sleep, until, type Peer, type World } from "./fault-world.js";

const MIB = 1024 * 1024;
const ms = (value: number): string => `${Math.round(value)} ms`;

function works(command: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore", timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}

let cables: string | undefined | null = null;

/** Why there can be no cables, if so; tried once. */
function noCables(): string | undefined {
  if (cables !== null) return cables;
  try {
    const cable = new Cable();
    try {
      cable.cut("a");
      cables = undefined;
    } catch {
      cables = "no iptables (apt-get install iptables)";
    } finally {
      cable.remove();
    }
  } catch {
    cables = "no network namespaces (needs root and iproute2)";
  }
  return cables;
}

/** Two at the ends of a cable; `a` has connected. */
async function atCable(world: World, hearMs: number): Promise<{ cable: Cable; a: Peer; b: Peer }> {
  const cable = world.cable();
  const listen = { host: cable.b.host, port: 7_000 };
  const b = await world.peer({ name: "b", listen, hearMs }, cable.at("b"));
  const a = await world.peer({ name: "a", addresses: { b: b.address }, hearMs }, cable.at("a"));
  must((await a.ask("connect", "b")) === "", "a and b do not connect");
  return { cable, a, b };
}

async function silentEnd(peer: Peer, sinceMs: number): Promise<number> {
  await until(`${peer.name} notices`, 10_000, async () => (await ends(peer)).length > 0);
  const down = (await peer.ask("events")).find(({ type }) => type === "down");
  return (down?.atMs ?? NaN) - sinceMs;
}

export const NETWORK_ROWS: readonly Row[] = [
  {
    name: "cut both ways",
    missing: noCables,
    run: async (world) => {
      const hearMs = 2_000;
      const { cable, a, b } = await atCable(world, hearMs);
      await a.ask("watch", "b", 500, 100);
      const cutMs = now();
      cable.cut("a");
      cable.cut("b");
      const [atA, atB] = await Promise.all([silentEnd(a, cutMs), silentEnd(b, cutMs)]);
      for (const after of [atA, atB]) {
        must(
          after >= hearMs * 0.74 && after <= hearMs + 500,
          `death after ${ms(after)} of ${hearMs}`,
        );
      }
      await until("all are told", 2_000, async () => (await a.ask("told")).count === 600);
      cable.heal("a");
      cable.heal("b");
      await until("they connect again", 12_000, async () => (await a.ask("connect", "b")) === "");
      must((await a.ask("told")).count === 600, "somebody was told twice");
      return `death after ${ms(atA)} and ${ms(atB)} of ${hearMs}; 600 told once; together again when it is healed`;
    },
  },
  {
    name: "cut one way",
    missing: noCables,
    run: async (world) => {
      const hearMs = 2_000;
      const { cable, a, b } = await atCable(world, hearMs);
      await a.ask("watch", "b", 100, 0);
      const cutMs = now();
      // b hears nothing of a; a still hears b.
      cable.cut("a");
      const [atA, atB] = await Promise.all([silentEnd(a, cutMs), silentEnd(b, cutMs)]);
      must(atB <= hearMs + 500, `who hears nothing noticed after ${ms(atB)}`);
      must(atA <= 2 * hearMs + 500, `who still hears noticed after ${ms(atA)}`);
      await until("all are told", 2_000, async () => (await a.ask("told")).count === 100);
      return `who hears nothing: ${ms(atB)}; who still hears: ${ms(atA)} of ${hearMs}`;
    },
  },
  {
    name: "flapping",
    missing: noCables,
    run: async (world) => {
      const { cable, a, b } = await atCable(world, 1_000);
      await a.ask("watch", "b", 50, 50);
      const pumping = a.ask("pump", "b", 6_000, 100);
      for (let i = 0; i < 10; i++) {
        cable.within("a", "ip", "link", "set", "v0", i % 2 === 0 ? "down" : "up");
        await sleep(300);
      }
      // Longer than hear, so that a session ends for certain.
      cable.within("a", "ip", "link", "set", "v0", "down");
      await sleep(1_600);
      cable.within("a", "ip", "link", "set", "v0", "up");
      await pumping;
      await until("they are together", 15_000, async () => (await a.ask("connect", "b")) === "");
      await sleep(300);
      const { count, inversions, repeats } = await b.ask("order");
      must(inversions === 0 && repeats === 0, `${inversions} inversions, ${repeats} repetitions`);
      const { count: told, reasons } = await a.ask("told");
      must(
        told === 100 && reasons.join() === "noconnection",
        `${told} were told ${reasons.join()}`,
      );
      const sessions = (await ends(a)).length;
      return `${sessions} sessions ended; ${count} arrived, none out of order or twice; 100 watchers told once`;
    },
  },
  {
    name: "half-open old session",
    missing: noCables,
    run: async (world) => {
      const { cable, a, b } = await atCable(world, 20_000);
      // a goes without a word: nothing of its end gets out, and b keeps the session.
      cable.cut("a");
      await a.killed();
      await sleep(100);
      must((await b.ask("nodes")).length === 1, "b has noticed, so it is not half-open");
      cable.heal("a");
      const again = await world.peer({ name: "a", addresses: { b: b.address } }, cable.at("a"));
      const startMs = now();
      await until(
        "the newcomer gets in",
        6_000,
        async () => (await again.ask("connect", "b")) === "",
      );
      const tookMs = now() - startMs;
      must(tookMs < 3_000, `it took ${ms(tookMs)}`);
      // One that lives is not given up: another of that name is refused.
      const third = await world.peer({ name: "a", addresses: { b: b.address } }, cable.at("a"));
      const refusal = await third.ask("connect", "b");
      must(refusal.includes("another node has that name"), `a third got in: "${refusal}"`);
      must((await again.ask("calls", "b", 100)).failed === 0, "the newcomer lost its session");
      return `the newcomer got in after ${ms(tookMs)}; a third of that name is refused`;
    },
  },
  {
    name: "slow link",
    missing: () =>
      noCables() ?? (works("tc", "-V") ? undefined : "no tc (apt-get install iproute2)"),
    run: async (world) => {
      const { cable, a, b } = await atCable(world, 3_000);
      try {
        cable.within(
          "a",
          "tc",
          "qdisc",
          "add",
          "dev",
          "v0",
          "root",
          "tbf",
          "rate",
          "1mbit",
          "burst",
          "16kb",
          "limit",
          "64kb",
        );
      } catch {
        throw new Skipped("this kernel has no tbf");
      }
      const before = await a.ask("memory");
      const sent = await a.ask("pump", "b", 6_000, 8_192);
      must((await a.eventTypes()).includes("busy"), "it was never busy");
      must((await ends(a)).length === 0, `the session ended: ${String(await ends(a))}`);
      const grown = (await a.ask("memory")) - before;
      must(grown < 64 * MIB, `memory grew by ${Math.round(grown / MIB)} MiB`);
      const { count, inversions } = await b.ask("order");
      must(count > 20 && inversions === 0, `${count} arrived`);
      return `1 Mbit/s, hear of 3 s: busy, ${count} of ${sent} messages of 8 KiB have arrived, the session lives, memory +${Math.round(grown / MIB)} MiB`;
    },
  },
  {
    name: "clock jump of a day, forwards and back (faketime)",
    missing: () =>
      works("faketime", "now", "true") ? undefined : "no faketime (apt-get install faketime)",
    run: async (world) => {
      const folder = mkdtempSync(join(tmpdir(), "coppice-faults-"));
      try {
        const file = join(folder, "time");
        writeFileSync(file, "+0\n");
        const library = execFileSync("faketime", ["now", "printenv", "LD_PRELOAD"], {
          encoding: "utf8",
        });
        const env = {
          LD_PRELOAD: library.trim(),
          FAKETIME_TIMESTAMP_FILE: file,
          FAKETIME_NO_CACHE: "1",
          DONT_FAKE_MONOTONIC: "1",
          FAKETIME_DONT_FAKE_MONOTONIC: "1",
        };
        const hearMs = 1_000;
        const b = await world.peer({ name: "b", listen: { port: 0 }, hearMs }, { env });
        const a = await world.peer({ name: "a", addresses: { b: b.address }, hearMs });
        await a.ask("watch", "b", 10, 10);
        const off: number[] = [];
        for (const jump of ["+1d", "-1d", "+0"]) {
          writeFileSync(file, `${jump}\n`);
          off.push(Math.round(((await b.ask("wallClock")) - Date.now()) / 3_600_000));
          await sleep(1_200);
          must((await a.ask("calls", "b", 100)).failed === 0, "calls fail");
        }
        must(off.join() === "24,-24,0", `its clock was off by ${off.join()} hours`);
        must((await ends(a)).length + (await ends(b)).length === 0, "the session ended");
        return `off by ${off.join(" h, ")} h: nothing happens`;
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  },
  {
    name: "monotonic clocks that are far apart (unshare --time)",
    missing: () =>
      works("unshare", "--time", "--monotonic", "1", "true")
        ? undefined
        : "no time namespaces (needs root, unshare --time)",
    run: async (world) => {
      const hearMs = 1_000;
      const by = ["unshare", "--time", "--monotonic", "864000", "--boottime", "864000"];
      const b = await world.peer({ name: "b", listen: { port: 0 }, hearMs }, { by });
      const a = await world.peer({ name: "a", addresses: { b: b.address }, hearMs });
      await a.ask("watch", "b", 10, 10);
      const apartMs = (await b.ask("now")) - (await a.ask("now"));
      must(apartMs > 800_000_000, `they are ${ms(apartMs)} apart`);
      await sleep(2_500);
      must((await a.ask("calls", "b", 100)).failed === 0, "calls fail");
      must((await ends(a)).length + (await ends(b)).length === 0, "the session ended");
      return `${Math.round(apartMs / 86_400_000)} days apart: nothing happens`;
    },
  },
];
