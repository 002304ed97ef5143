/** What a client can mean, and what is left of what it cannot. */
import { expect, test } from "@jest/globals";
import type { AnyPid, Gateway } from "@coppice/core";
import { identitiesOfClient } from "../src/client-identities.js";
import { ExportTable } from "../src/export-table.js";

const [home, client] = [
  { name: "home", incarnation: 1 },
  { name: "client", incarnation: 2 },
];
const stranger = { name: "stranger", incarnation: 3 };

const pidOf = ({ name, incarnation }: typeof home, serial: number): AnyPid =>
  ({ node: name, incarnation, serial }) as AnyPid;

function setUp(exports: readonly string[] = []) {
  const made: string[] = [];
  const gateway = {
    pid: (node: string, incarnation: number, serial: number) => {
      made.push(`${node} ${incarnation} ${serial}`);
      return { node, incarnation, serial } as AnyPid;
    },
    ref: ({ node, incarnation, serial: owner }: AnyPid, serial: number) => {
      made.push(`${node} ${incarnation} ${owner} ${serial}`);
      return { owner: { node, incarnation, serial: owner }, serial };
    },
  } as unknown as Gateway;
  const denied: string[] = [];
  const told = new ExportTable(10, () => undefined);
  const identities = identitiesOfClient(gateway, home, client, told, new Set(exports), (what) =>
    denied.push(what),
  );
  return { made, denied, told, ...identities };
}

test("of processes and nodes that a client makes up nothing is kept", () => {
  const { made, denied, told, pid, ref } = setUp();
  pid(stranger, 4);
  ref({ node: "stranger", incarnation: 3, serial: 4 } as AnyPid, 5);
  pid({ ...home, incarnation: 7 }, 4);
  // Nobody's: of a life of this node that never was.
  expect(made.filter((what) => !what.startsWith("home 0 "))).toEqual([]);
  expect(denied).toHaveLength(2);

  // What it was told of is there.
  made.splice(0);
  const known = { node: "stranger", incarnation: 3, serial: 4 } as AnyPid;
  told.others.add("stranger 3 4 ");
  expect([pid(stranger, 4), made]).toEqual([known, ["stranger 3 4"]]);
  expect([pid(client, 9).node, denied.length]).toEqual(["client", 2]);
});

test("a reference is what it says where the client was told of it, or it is the client's own; else nobody's", () => {
  const { begins, made, denied, told, ref } = setUp();
  told.refs.add(5);
  told.others.add("stranger 3 4 6");
  ref(pidOf(home, 4), 5);
  ref(pidOf(stranger, 4), 6);
  ref(pidOf(client, 4), 7);
  expect(made.splice(0)).toEqual(["home 1 4 5", "stranger 3 4 6", "client 2 4 7"]);
  expect(denied).toEqual([]);
  // Another number, another owner, another life.
  for (const [owner, serial] of [
    [pidOf(home, 4), 6],
    [pidOf(stranger, 4), 5],
    [pidOf(stranger, 5), 6],
    [pidOf({ ...client, incarnation: 3 }, 4), 7],
  ] as const) {
    begins();
    ref(owner, serial);
    expect(made.splice(0)).toEqual([`home 0 ${owner.serial}`, `home 0 ${owner.serial} ${serial}`]);
  }
  expect(denied).toEqual(Array.from({ length: 4 }, () => "a reference it was not told of"));
});

test("what a client was not told of is said once for each term, however often it stands in that", () => {
  const { begins, denied, pid, ref } = setUp();
  for (const _ of [1, 2]) {
    begins();
    for (let serial = 0; serial < 1_000; serial++) ref(pid(stranger, serial), serial);
    expect(denied.splice(0)).toEqual([
      "a process it was not told of",
      "a reference it was not told of",
    ]);
  }
});

test("a reference it was told of is found also where of the owner it was told nothing", () => {
  const { made, denied, told, pid, ref } = setUp();
  told.refs.add(5);
  const owner = pid(home, 4);
  expect([owner.incarnation, denied]).toEqual([0, ["a process it was not told of"]]);
  made.splice(0);
  ref(owner, 5);
  expect(made).toEqual(["home 1 4", "home 1 4 5"]);
  ref(owner, 6);
  expect(made.at(-1)).toBe("home 0 4 6");
  expect(denied.at(-1)).toBe("a reference it was not told of");
});

test("of names a client may say its own, and those that are listed for it, at this node", () => {
  const { mayName } = setUp(["door"]);
  const asked = [
    ["client", "anything"],
    ["home", "door"],
    [undefined, "door"],
    ["home", "cellar"],
    [undefined, "cellar"],
    ["stranger", "door"],
  ] as const;
  expect(asked.map(([node, name]) => mayName(node, name))).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});
