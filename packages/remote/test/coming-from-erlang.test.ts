/** The page for those who come from Erlang names only what there is. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import * as core from "@coppice/core";
import * as remoting from "@coppice/remote";
import * as supervisor from "@coppice/supervisor";

const page = readFileSync(new URL("../../../docs/coming-from-erlang.md", import.meta.url), "utf8");

/** The code in the last column of all tables. */
const codes = page
  .split("\n")
  .filter((line) => line.startsWith("|") && !/^\|[ -|]*$/.test(line))
  .map(
    (line) =>
      line
        .replace(/\|\s*$/, "")
        .split(/(?<!\\)\|/)
        .at(-1) ?? "",
  )
  .flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code as string));

const { sys, task, agent } = supervisor;
const namespaces = { sys, task, agent };
const exported: Record<string, unknown> = { ...core, ...supervisor, ...remoting };

/** A node, a process of it as its code sees it, and its side of the network. */
async function membersOf(node: core.Node): Promise<Record<string, object>> {
  const remote = await remoting.startRemote(node, { cookie: remoting.generateCookie() });
  return { ...namespaces, self: await selfOf(node), node, remote };
}

async function selfOf(node: core.Node): Promise<object> {
  return new Promise((told) => {
    node.spawn<unknown, null>({
      init: (self) => {
        told(self);
        return null;
      },
      message: (state) => state,
    });
  });
}

/** What is called in the code, with what it is a member of. */
function namesIn(code: string): [owner: string | undefined, name: string][] {
  return [
    ...code.matchAll(/(?:\b(self|node|remote|sys|task|agent)\.)?\b([a-zA-Z]\w+)(?=\(|<)/g),
  ].map(([, owner, name]) => [owner, name as string]);
}

describe("docs/coming-from-erlang.md", () => {
  test("has tables", () => {
    expect(codes.length).toBeGreaterThan(60);
  });

  test("names only what there is", async () => {
    const node = core.createNode({ logger: false });
    const owners = await membersOf(node);
    const unknown = codes.flatMap((code) =>
      namesIn(code)
        .filter(([owner, name]) => !(name in (owners[owner ?? ""] ?? exported)))
        .map(([owner, name]) => `${owner === undefined ? "" : `${owner}.`}${name} in ${code}`),
    );
    expect(unknown).toEqual([]);
    await node.stop();
  });

  test("each word on its own is a member or an export", async () => {
    const node = core.createNode({ logger: false });
    const owners = await membersOf(node);
    const words = codes.filter((code) =>
      /^(?:self|node|remote|sys|task|agent)\.\w+$|^[a-z]+[A-Z]\w+$/.test(code),
    );
    const unknown = words.filter((word) => {
      const [owner, name] = word.includes(".") ? word.split(".") : [undefined, word];
      return !((name as string) in (owner === undefined ? exported : (owners[owner] as object)));
    });
    expect(unknown).toEqual([]);
    await node.stop();
  });
});
