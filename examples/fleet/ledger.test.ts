import { beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Ledger, MAX_FAULTS, MAX_STRIKES, PATIENCE_TICKS } from "./ledger.js";
import { rawPath, type RawPath } from "./raw-path.js";

const a = rawPath("/a");
const b = rawPath("/b");
const sum = { sha256: "5u", bytes: 3 };

let ledger: Ledger<string>;
let workers = 0;

/** A new worker that gets the next file, if there is one. */
function newWorker(): string {
  const worker = `w${++workers}`;
  ledger.enlist(worker, workers);
  return worker;
}

function ticks(count: number): string[] {
  return Array.from({ length: count }, () => ledger.tick()).flat();
}

beforeEach(() => {
  ledger = new Ledger();
  workers = 0;
});

describe("work", () => {
  test("goes to idle workers, each file to one of them", () => {
    const [one, two, three] = [newWorker(), newWorker(), newWorker()];
    ledger.found([a, b]);
    expect(ledger.assign()).toEqual([
      { worker: one, path: a },
      { worker: two, path: b },
    ]);
    expect(ledger.assign()).toEqual([]);
    expect(ledger.hands().get(three)).toEqual({ number: 3, path: undefined, bytes: 0 });
  });

  test("that the walk finds a second time is not done twice", () => {
    ledger.found([a]);
    ledger.found([a, b]);
    expect(ledger.progress().found).toBe(2);
  });

  test("is complete when the walk has ended and something has come of every file", () => {
    const worker = newWorker();
    expect(ledger.isComplete).toBe(false);
    ledger.found([a]);
    ledger.assign();
    ledger.hashed(worker, { path: a, ...sum });
    expect(ledger.isComplete).toBe(false);
    ledger.walked({ files: 1, skipped: {} });
    expect(ledger.isComplete).toBe(true);
  });

  test("comes out in order of the paths' bytes, with what could not be read and why", () => {
    const [one, two] = [newWorker(), newWorker()];
    ledger.found([b, a]);
    ledger.unreadableDirectory(rawPath("/d"), "denied");
    ledger.walked({ files: 2, skipped: { fifo: 1 } });
    ledger.assign();
    ledger.hashed(two, { path: a, ...sum });
    ledger.hashed(one, { path: b, ...sum });
    expect(ledger.outcome()).toMatchObject({
      files: [{ path: a }, { path: b }],
      failures: [{ path: "/d", reason: "denied" }],
      skipped: { fifo: 1 },
      bytes: 6,
      lost: 0,
      twice: 0,
    });
  });
});

describe("a dead worker's file", () => {
  test("goes back, and to another worker", () => {
    const [one, two] = [newWorker(), newWorker()];
    ledger.found([a]);
    ledger.assign();
    ledger.died(one, "killed");
    expect(ledger.assign()).toEqual([{ worker: two, path: a }]);
    expect(ledger.progress()).toMatchObject({ retriedFiles: 1, retries: 1 });
  });

  test("goes back also when the worker was stopped in order, which is no crash", () => {
    const worker = newWorker();
    ledger.found([a]);
    ledger.assign();
    ledger.died(worker, undefined);
    expect(ledger.progress()).toMatchObject({ left: 1, retries: 1, crashes: { unprovoked: 0 } });
  });

  test("is given up when it has felled too many, and chaos had no part in it", () => {
    ledger.found([a]);
    ledger.walked({ files: 1, skipped: {} });
    for (let fault = 0; fault < MAX_FAULTS; fault++) {
      expect(ledger.isComplete).toBe(false);
      const worker = newWorker();
      ledger.assign();
      ledger.died(worker, "RangeError: boom");
    }
    expect(ledger.isComplete).toBe(true);
    expect(ledger.outcome().failures).toEqual([
      { path: a, reason: `felled ${MAX_FAULTS} workers, the last by: RangeError: boom` },
    ]);
  });

  test("is not given up for what chaos does", () => {
    ledger.found([a]);
    for (let strike = 0; strike < 100; strike++) {
      const worker = newWorker();
      ledger.assign();
      ledger.strike("killed", 0);
      // Chaos spares a file it has struck often; whoever dies of it afterwards was struck before.
      ledger.died(worker, strike < MAX_STRIKES ? "killed" : undefined);
    }
    expect(ledger.progress()).toMatchObject({ left: 1, crashes: { killed: MAX_STRIKES } });
  });

  test("takes no result from the dead, nor from one who does not hold it", () => {
    const [one, two] = [newWorker(), newWorker()];
    ledger.found([a]);
    ledger.assign();
    ledger.hashed(two, { path: a, ...sum });
    ledger.died(one, "killed");
    ledger.hashed(one, { path: a, ...sum });
    expect(ledger.progress()).toMatchObject({ hashed: 0, left: 1 });
    expect(ledger.outcome()).toMatchObject({ twice: 2, lost: 1 });
  });
});

describe("a silent worker", () => {
  test("counts as hung when its time is over, once", () => {
    const worker = newWorker();
    ledger.found([a]);
    ledger.assign();
    expect(ticks(PATIENCE_TICKS - 1)).toEqual([]);
    expect(ticks(10)).toEqual([worker]);
  });

  test("does not, when it has nothing to do or shows signs of life", () => {
    const worker = newWorker();
    expect(ticks(100)).toEqual([]);
    ledger.found([a]);
    ledger.assign();
    for (let sign = 1; sign < 50; sign++) {
      expect(ledger.tick()).toEqual([]);
      ledger.progressed(worker, sign);
    }
  });

  test("without chaos's doing makes patience twice as long, for a disk that stands still", () => {
    newWorker();
    ledger.found([a, b]);
    ledger.assign();
    ticks(PATIENCE_TICKS);
    const next = newWorker();
    ledger.assign();
    expect(ticks(2 * PATIENCE_TICKS - 1)).toEqual([]);
    expect(ticks(1)).toEqual([next]);
  });

  test("by chaos's doing changes nothing", () => {
    const first = newWorker();
    ledger.found([a]);
    ledger.assign();
    ledger.strike("hung", 0);
    expect(ticks(PATIENCE_TICKS)).toEqual([first]);
    ledger.died(first, "killed");
    expect(ledger.progress().crashes).toMatchObject({
      thrown: 0,
      killed: 0,
      hung: 1,
      unprovoked: 0,
    });
    const second = newWorker();
    ledger.assign();
    expect(ticks(PATIENCE_TICKS)).toEqual([second]);
  });
});

describe("a strike", () => {
  test("hits those in the middle of a file only, in order of their numbers", () => {
    const [one, two, three] = [newWorker(), newWorker(), newWorker()];
    ledger.found([a, b]);
    expect(ledger.strike("killed", 0)).toBeUndefined();
    ledger.assign();
    expect(ledger.strike("killed", 0.99)).toBe(two);
    expect(ledger.strike("thrown", 0.99)).toBe(one);
    expect(ledger.strike("hung", 0)).toBeUndefined();
    expect([one, two]).not.toContain(three);
  });

  test("that comes late is put down to chaos, not to the next file", () => {
    const worker = newWorker();
    ledger.found([a, b]);
    ledger.assign();
    ledger.strike("thrown", 0);
    ledger.hashed(worker, { path: a, ...sum });
    ledger.assign();
    ledger.died(worker, "ChaosError: as ordered");
    expect(ledger.progress()).toMatchObject({ crashes: { thrown: 1, unprovoked: 0 }, left: 1 });
  });
});

describe("a strike at a node", () => {
  /** Two workers on each of two nodes, and one here. */
  function crews(): { readonly far: string[]; readonly here: string } {
    const far = ["north", "north", "south", "south"].map((node, index) => {
      const worker = `${node} ${index}`;
      ledger.enlist(worker, index, node);
      return worker;
    });
    return { far, here: newWorker() };
  }

  test("hits a node where somebody is at work, with all who are there", () => {
    const { far } = crews();
    expect(ledger.strikeNode("killed", 0)).toBeUndefined();
    ledger.found([a, b, rawPath("/c")]);
    ledger.assign();
    expect(ledger.strikeNode("killed", 0.99)).toBe("south");
    // It is struck already, and who works here is on no node.
    expect(ledger.strikeNode("paused", 0.99)).toBe("north");
    expect(ledger.strikeNode("paused", 0)).toBeUndefined();
    for (const worker of far) ledger.died(worker, "noconnection");
    const { crashes, nodeStrikes, left } = ledger.progress();
    expect(crashes).toMatchObject({ withNode: 4, unprovoked: 0 });
    expect(nodeStrikes).toEqual({ killed: 1, paused: 1 });
    expect(left).toBe(3);
  });

  test("counts as one at each of their files, which are spared in the end", () => {
    ledger.found([a]);
    for (let strike = 0; strike < MAX_STRIKES; strike++) {
      ledger.enlist(`w${strike}`, 1, "north");
      ledger.assign();
      expect(ledger.strikeNode("killed", 0)).toBe("north");
      ledger.died(`w${strike}`, "noconnection");
    }
    ledger.enlist("last", 1, "north");
    ledger.assign();
    expect(ledger.strikeNode("killed", 0)).toBeUndefined();
    expect(ledger.strike("killed", 0)).toBeUndefined();
  });

  test("is over for those who go on, and not for those who were taken for hung meanwhile", () => {
    ledger.enlist("quick", 1, "north");
    ledger.enlist("slow", 2, "north");
    ledger.found([a, b]);
    ledger.assign();
    ledger.strikeNode("paused", 0);
    ticks(PATIENCE_TICKS - 1);
    ledger.progressed("quick", 1);
    // Nobody else is given more time for it.
    expect(ticks(1)).toEqual(["slow"]);
    ledger.resumed("north");
    ledger.died("slow", "killed");
    ledger.died("quick", "RangeError: boom");
    expect(ledger.progress().crashes).toMatchObject({ withNode: 1, unprovoked: 1 });
  });
});

test("the verdict counts what was found and has no result", () => {
  ledger.found([a]);
  ledger.walked({ files: 3, skipped: {} });
  expect(ledger.outcome().lost).toBe(3);
});

test("whatever dies when, every file comes out once", () => {
  const step = fc.record({ what: fc.nat(5), who: fc.nat(3) });
  fc.assert(
    fc.property(fc.nat(40), fc.array(step, { maxLength: 400 }), (count, steps) => {
      ledger = new Ledger();
      const crew = [newWorker(), newWorker(), newWorker(), newWorker()];
      const paths = Array.from({ length: count }, (_, index) => rawPath(`/${index}`));
      ledger.found(paths);
      ledger.walked({ files: count, skipped: {} });
      const held = new Map<string, RawPath>();
      const doom = new Set<string>();
      const assign = (): void => {
        for (const { worker, path } of ledger.assign()) held.set(worker, path);
      };
      const replace = (who: number): void => {
        ledger.died(crew[who] as string, "killed");
        held.delete(crew[who] as string);
        crew[who] = newWorker();
      };
      const work = (who: number): void => {
        const worker = crew[who] as string;
        const path = held.get(worker);
        if (path === undefined) return;
        held.delete(worker);
        ledger.hashed(worker, { path, ...sum });
      };
      for (const { what, who } of steps) {
        assign();
        if (what < 2) work(who);
        else if (what === 2 && doom.has(crew[who] as string)) replace(who);
        else if (what === 3) doom.add(ledger.strike("killed", who / 4) ?? "");
        else if (what === 4) for (const hung of ledger.tick()) replace(crew.indexOf(hung));
      }
      for (let round = 0; !ledger.isComplete; round++) {
        expect(round).toBeLessThan(10 * count + 10);
        assign();
        for (const who of crew.keys()) work(who);
      }
      const { files, failures, lost, twice } = ledger.outcome();
      const ends = [...files, ...failures].map(({ path }) => path);
      expect(new Set(ends)).toEqual(new Set(paths));
      expect(ends).toHaveLength(count);
      expect({ lost, twice }).toEqual({ lost: 0, twice: 0 });
    }),
  );
});
