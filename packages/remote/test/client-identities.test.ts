/** What a client can mean, and what is left of what it cannot. */
import { expect, test } from "@jest/globals";
import type { AnyPid, Gateway } from "@coppice/core";
import { identitiesOfClient } from "../src/client-identities.js";
import { ExportTable } from "../src/export-table.js";

test("of processes and nodes that a client makes up nothing is kept", () => {
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
  const [home, client] = [
    { name: "home", incarnation: 1 },
    { name: "client", incarnation: 2 },
  ];
  const denied: string[] = [];
  const told = new ExportTable(10, () => undefined);
  const { pid, ref } = identitiesOfClient(gateway, home, client, told, new Set(), (what) =>
    denied.push(what),
  );
  const stranger = { name: "stranger", incarnation: 3 };
  pid(stranger, 4);
  ref({ node: "stranger", incarnation: 3, serial: 4 } as AnyPid, 5);
  pid({ ...home, incarnation: 7 }, 4);
  // Nobody's: of a life of this node that never was.
  expect(made.filter((what) => !what.startsWith("home 0 "))).toEqual([]);
  expect(denied).toHaveLength(3);

  // What it was told of is there.
  made.splice(0);
  const known = { node: "stranger", incarnation: 3, serial: 4 } as AnyPid;
  told.others.add("stranger 3 4 ");
  expect([pid(stranger, 4), made]).toEqual([known, ["stranger 3 4"]]);
  expect([pid(client, 9).node, denied.length]).toEqual(["client", 3]);
});
