import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { testActors } from "@coppice/testkit";

const child = fileURLToPath(new URL("runner-child.mjs", import.meta.url));

/** Those that run. What a test has not waited for, because its time was over, ends with it. */
const shells = new Set<ChildProcess>();

afterEach(() => {
  for (const { pid } of shells) if (pid !== undefined) process.kill(-pid, "SIGKILL");
  shells.clear();
});

async function shell(command: string, cwd?: string): Promise<{ code: number; output: string }> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(COPPICE|JEST|NODE_)/.test(name)),
  );
  const running = spawn("sh", ["-c", command], {
    env,
    detached: true,
    ...(cwd !== undefined && { cwd }),
  });
  shells.add(running);
  const [output, , code] = await Promise.all([
    text(running.stdout),
    text(running.stderr),
    new Promise<number>((resolve) => void running.on("close", resolve)),
  ]);
  shells.delete(running);
  // What is copied from a terminal has no colours.
  return { code, output: stripVTControlCharacters(output) };
}

test("what is imported by name from the host's modules is the simulation's, too, and then the host's", async () => {
  const file = fileURLToPath(new URL("named-imports-child.mjs", import.meta.url));
  const { first, second, violations, isHosts } = JSON.parse(
    (await shell(`node ${file}`)).output,
  ) as { first: unknown[]; second: unknown[]; violations: unknown[]; isHosts: boolean };
  expect(violations).toEqual([]);
  expect(first).toHaveLength(6);
  expect(first.at(-1)).toBe("0,0");
  expect([5, 6]).toContain(first[2]);
  expect(second).toEqual(first);
  expect(isHosts).toBe(true);
});

describe("node:test", () => {
  test("runs tests of actors, and what a report says to paste into a shell brings the failure back", async () => {
    const { code, output } = await shell(`node --test --test-reporter=tap ${child}`);
    expect(code).toBe(1);
    expect(output).toContain("# pass 1\n# fail 1\n");
    const [, replay = ""] = /replay: (COPPICE_REPLAY=.*)/.exec(output) ?? [];
    const line = replay.replace("node --test", "node --test --test-reporter=tap");
    expect(line).toContain(
      String.raw`--test-name-pattern='what'\''s said first \(a\) is heard first'`,
    );
    const again = await shell(line);
    expect(again.code).toBe(1);
    expect(again.output).toContain("found: replay");
    const reasons = (text: string): string[] =>
      text.split("\n").filter((each) => /^\s+(✗|1\.|program:)/.test(each));
    expect(reasons(output).length).toBeGreaterThan(2);
    expect(reasons(again.output)).toEqual(reasons(output));
  });
});

test("a promise that is rejected while nobody waits for it is held against what ran, and nothing else", async () => {
  const file = fileURLToPath(new URL("stray-child.mjs", import.meta.url));
  const { code, output } = await shell(`node --test --test-reporter=tap ${file}`);
  expect(output.match(/^(not )?ok \d+ - .*/gm)).toEqual([
    "not ok 1 - stray in a test of actors",
    "ok 2 - tidy in a test of actors",
    "ok 3 - held against the run",
    "ok 4 - held against an exploration, and against a step of a simulation",
    "ok 5 - what others listen for before and after is theirs",
  ]);
  expect(output).toContain("nobody waited for it: Error: lost");
  // That is where it was thrown.
  expect(output).toMatch(/stack: \|-\n +file:\/\/\S+stray-child\.mjs:\d+/);
  expect(output).not.toContain("it was said to pass");
  expect(code).toBe(1);
});

/** Two of which one is not always heard first. */
const orderTest = (define: string, name: string): string => `
    ${define}("${name}", [], (sim) => {
      const node = sim.node();
      const heard = [];
      const ear = node.spawnOpt({ key: "ear" }, async (self) => {
        for (;;) heard.push(await self.receive());
      });
      for (const key of ["a", "b"]) node.spawnOpt({ key }, (self) => self.send(ear, key));
      sim.finally("a is first", () => heard[0] === "a");
    }, { store: false });`;

describe("jest", () => {
  const program = `
    import { testActors } from "@coppice/testkit";
    ${orderTest("testActors", "is first (a)")}
    testActors("never", [], () => { throw new Error("it was not meant"); }, { store: false });
  `;
  const config = `export default { testMatch: ["**/*.test.mjs"], transform: {} };`;

  test("runs them, and what a report says to paste replays it, with what Node needs to load the test", async () => {
    const folder = await mkdtemp(join(tmpdir(), "coppice-"));
    const write = (name: string, what: string): Promise<void> =>
      writeFile(join(folder, name), what);
    const modules = fileURLToPath(new URL("../../../node_modules", import.meta.url));
    try {
      await symlink(modules, join(folder, "node_modules"));
      await write("package.json", "{}");
      await write("jest.config.mjs", config);
      await write("[order] of (two).test.mjs", program);
      const script = "node --experimental-vm-modules node_modules/jest/bin/jest.js 2>&1";
      const { code, output } = await shell(script, folder);
      expect(code).toBe(1);
      expect(output).toContain("Tests:       2 failed, 2 total");
      const [, replay = ""] = /replay: (COPPICE_REPLAY=.*)/.exec(output) ?? [];
      expect(replay).toMatch(
        /^COPPICE_REPLAY='.*' NODE_OPTIONS=--experimental-vm-modules npx jest /,
      );
      const again = await shell(`${replay} 2>&1`, folder);
      expect(again.code).toBe(1);
      expect(again.output).toContain("Tests:       1 failed, 1 skipped, 2 total");
      expect(again.output).toContain("found: replay");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("vitest", () => {
  const program = `
    import { test } from "vitest";
    import { testActors } from "@coppice/testkit";
    const testAll = testActors.with(test);
    ${orderTest("testAll", "is it's first (a)")}
    testAll("nothing to see", [], () => undefined, { store: false });
  `;

  test("runs them, and what a report says to paste brings the failure back", async () => {
    const folder = await mkdtemp(join(tmpdir(), "coppice-"));
    const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
    try {
      const modules = join(folder, "node_modules");
      await mkdir(modules);
      await symlink(here("../../../node_modules/@coppice"), join(modules, "@coppice"));
      for (const name of [".bin", "vitest"]) {
        await symlink(here(`../node_modules/${name}`), join(modules, name));
      }
      await writeFile(join(folder, "package.json"), "{}");
      await writeFile(join(folder, "[order] of (two).test.mjs"), program);
      const { code, output } = await shell("npx --no-install vitest run 2>&1", folder);
      expect(code).toBe(1);
      expect(output).toMatch(/Tests +1 failed \| 1 passed \(2\)/);
      const [, replay = ""] = /replay: (COPPICE_REPLAY=.*)/.exec(output) ?? [];
      expect(replay).toMatch(/^COPPICE_REPLAY='.*' npx vitest run /);
      const again = await shell(`${replay} 2>&1`, folder);
      expect(again.code).toBe(1);
      expect(again.output).toMatch(/Tests +1 failed \| 1 skipped \(2\)/);
      expect(again.output).toContain("found: replay");
      const reasons = (text: string): string[] =>
        text.split("\n").filter((each) => /✗ a is first|^\s+1\./.test(each));
      expect(reasons(output).length).toBeGreaterThan(1);
      expect(reasons(again.output)).toEqual(reasons(output));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("matchers", () => {
  const program = `
    import { expect, test } from "vitest";
    import { createNode } from "@coppice/core";
    import { supervisionTree } from "@coppice/supervisor";
    import { FIFO, runProgramAsync } from "@coppice/testkit";
    import { coppiceMatchers } from "@coppice/testkit/vitest";
    expect.extend(coppiceMatchers);

    test("holds", async () => {
      const node = createNode({ logger: false });
      const pid = node.spawn<string>(async (self) => self.exit(await self.receive((each) => each !== "hello")));
      node.send(pid, "hello");
      node.send(pid, "done");
      await expect(node.whenExited(pid)).toExitWith("done");
      await expect(node.whenExited(pid)).resolves.not.toExitWith({ error: RangeError });
      const waiting = node.spawn<string>(async (self) => void (await self.receive(() => false)));
      node.send(waiting, "hello");
      await node.whenExited(node.spawn(async (self) => self.yield()));
      expect({ node, pid: waiting }).toHaveMailbox([expect.stringContaining("ell")]);
      expect(await runProgramAsync(() => undefined, FIFO)).toHaveTrace([]);
    });

    test("does not hold", async () => {
      expect("killed").toExitWith("shutdown");
    });
  `;

  /** A folder with what somebody has who installed nothing but these, and of ours what is published. */
  const projectOf = async (modules: readonly string[]): Promise<string> => {
    const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
    const folder = await mkdtemp(join(tmpdir(), "coppice-"));
    const into = join(folder, "node_modules");
    for (const name of ["core", "supervisor", "testkit"]) {
      for (const part of ["dist", "package.json"]) {
        const from = here(`../../${name}/${part}`);
        await cp(from, join(into, "@coppice", name, part), { recursive: true });
      }
    }
    for (const module of modules) {
      await mkdir(dirname(join(into, module)), { recursive: true });
      const own = here(`../node_modules/${module}`);
      const place = existsSync(own) ? own : here(`../../../node_modules/${module}`);
      await symlink(place, join(into, module));
    }
    await writeFile(join(folder, "package.json"), `{ "type": "module" }`);
    return folder;
  };

  test("of vitest need nothing of jest: they compile, libraries and all, and vitest runs them", async () => {
    const folder = await projectOf([".bin", "@types/node", "fast-check", "rxjs", "vitest"]);
    try {
      await writeFile(join(folder, "own.test.ts"), program);
      const compiler = fileURLToPath(
        new URL("../../../node_modules/typescript/bin/tsc", import.meta.url),
      );
      const options =
        "--noEmit --strict --target es2022 --module nodenext --types node --skipLibCheck false";
      const compile = `${compiler} ${options} own.test.ts`;
      expect(await shell(compile, folder)).toEqual({ code: 0, output: "" });
      const { code, output } = await shell("npx --no-install vitest run 2>&1", folder);
      expect(output).toMatch(/Tests +1 failed \| 1 passed \(2\)/);
      expect(output).toContain("expected an exit with shutdown, but it was killed");
      expect(code).toBe(1);

      const wrong = `
        import { expect } from "vitest";
        import "@coppice/testkit/vitest";
        expect("killed").toExitWith();
        expect("killed").toHaveMailbox("killed");
        expect("killed").toExitAs("killed");
      `;
      await writeFile(join(folder, "own.test.ts"), wrong);
      expect((await shell(compile, folder)).output.match(/TS\d+/g)).toEqual([
        "TS2554",
        "TS2345",
        "TS2339",
      ]);
      // The other way round, it is of no use, and does no harm.
      await writeFile(join(folder, "own.test.ts"), `import "@coppice/testkit/jest";`);
      expect(await shell(compile, folder)).toEqual({ code: 0, output: "" });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

test("a runner is told the name, what to run, and how long that may take", () => {
  const define = jest.fn();
  testActors.with(define)("nothing to see", [], () => undefined, { budgetMs: 100 });
  expect(define.mock.calls).toEqual([["nothing to see", expect.any(Function), 10_300]]);
});
