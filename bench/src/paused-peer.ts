/** A peer that is stopped by a signal while it is sent to at full load: how much memory grows, and what is told. */
import { setTimeout as sleep } from "node:timers/promises";
import { at, type Down, type Node } from "@coppice/core";
import { CLOSE_CODES, type RemoteEvent } from "@coppice/remote";
import type { Measurement } from "./benchmark.js";
import { MemoryGrowth } from "./memory-growth.js";
import { NumberedLoad } from "./numbered-load.js";
import { Echo, Ledger, type LedgerState } from "./remote-services.js";
import { withRemote, type Settings } from "./remote-setting.js";

/** The part of the time that the peer takes what is sent, before it is stopped. */
const WARM_UP_SHARE = 0.1;
/** So long the peer may take to be there again. */
const RECOVERY_MS = 30_000;
const MEGABYTE = 1e6;
/** Longer than any measurement: the session outlives the pause. */
const HEAR_MS = 600_000;

/**
 * What the sender does when more waits than goes out: it `awaits`, or it goes on, and the session ends
 * (`close`) or messages are dropped (`drop`), as the option `overflow` says.
 */
export type Manner = "await" | "close" | "drop";

const SETTINGS: Readonly<Record<Manner, Settings>> = {
  await: { hearMs: HEAR_MS },
  drop: { hearMs: HEAR_MS, overflow: "drop" },
  // What everybody has who says nothing else.
  close: {},
};

/** What was told since the peer was stopped. */
interface Told {
  readonly busy: number;
  readonly ready: number;
  /** With which codes sessions ended. */
  readonly ends: readonly number[];
  /** How often the monitor that was set before was answered with `noconnection`. */
  readonly downs: number;
}

/**
 * Sends 100 bytes again and again to a peer that is stopped, lets it go on, and looks whether everything is
 * then as promised.
 *
 * @param tenths for how many tenths of a second
 * @returns by how many MB the resident memory or the heap, whichever is more, has grown at most
 * @throws Error something was not as promised
 */
export function pausedPeer(manner: Manner, tenths: number): Promise<Measurement> {
  return withRemote(async (node, remote, child) => {
    const ms = tenths * 100;
    const events: RemoteEvent[] = [];
    remote.events.subscribe((event) => void events.push(event));
    const downs = monitored(node);
    const load = new NumberedLoad(node, remote);
    const told = (): Told => ({
      busy: events.filter(({ type }) => type === "busy").length,
      ready: events.filter(({ type }) => type === "ready").length,
      ends: events.flatMap((event) => (event.type === "down" ? [event.code] : [])),
      downs: downs(),
    });
    const wentTooFar = (): boolean =>
      manner === "await" || (manner === "drop" ? load.dropped > 0 : told().ends.length > 0);

    await load.run({ ms: ms * WARM_UP_SHARE, awaits: true });
    await until("all has arrived", async () => (await load.ledger()).taken === load.sent);
    events.length = 0;
    const growth = new MemoryGrowth();
    child.kill("SIGSTOP");
    try {
      await load.run({ ms, awaits: manner === "await", until: wentTooFar });
    } finally {
      child.kill("SIGCONT");
    }
    const grownBytes = growth.stop();
    await until("they are connected", () => remote.connect("peer").then(yes, no));
    await until("it takes what waits", () => Promise.resolve(!remote.isBusy("peer")));
    await until("the peer answers", () => node.call(at("peer", Echo), "there?").then(yes, no));
    await (manner === "close" ? looksClosed(load, told()) : looksOpen(load, told(), manner));
    return { count: tenths, value: grownBytes / MEGABYTE };
  }, SETTINGS[manner]);
}

/** The session is the one it was, and nothing is missing but what was counted. */
async function looksOpen(load: NumberedLoad, told: Told, manner: "await" | "drop"): Promise<void> {
  check("the session goes on", told.ends.length === 0 && told.downs === 0, told);
  check("who sends hears that the session is busy", told.busy > 0, told);
  let ledger: LedgerState | undefined;
  await until("what did not arrive is counted", async () => {
    ledger = await load.ledger();
    return ledger.taken + load.dropped === load.sent;
  });
  check("what arrives is in order, each message once", ledger?.disorder === 0, ledger);
  check("nothing is dropped unless that is wanted", load.dropped > 0 === (manner === "drop"), {
    dropped: load.dropped,
  });
}

/** The session has ended, which was told, and there is another. */
async function looksClosed(load: NumberedLoad, told: Told): Promise<void> {
  check("who sends hears that the session is busy", told.busy > 0, told);
  check("the load ends the session", told.ends.includes(CLOSE_CODES.OVERLOAD), told);
  check("its monitors are answered, once", told.downs === 1, told);
  const ledger = await load.ledger();
  check("what arrives is in order, each message once", ledger.disorder === 0, ledger);
  check("what the session held is lost", ledger.taken < load.sent, ledger);
}

/** A process that monitors one of the peer; the function says how often it was answered with `noconnection`. */
function monitored(node: Node): () => number {
  let downs = 0;
  node.spawn<Down>(async (self) => {
    self.monitor(at("peer", Ledger));
    for (;;) if ((await self.receive()).reason === "noconnection") downs++;
  });
  return () => downs;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + RECOVERY_MS;
  while (!(await holds())) {
    if (performance.now() > untilMs) throw new Error(`not so after ${RECOVERY_MS} ms: ${what}`);
    await sleep(20);
  }
}

function check(promise: string, holds: boolean, seen: unknown): void {
  if (!holds) throw new Error(`not so: ${promise}; seen was ${JSON.stringify(seen)}`);
}

const yes = (): boolean => true;
const no = (): boolean => false;
