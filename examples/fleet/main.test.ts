import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";

/** What `npm start` runs; `npm test` builds it first. */
const PROGRAM = fileURLToPath(new URL("../dist/fleet/main.js", import.meta.url));

/** The SHA-256 of "a", of "b" and of nothing. */
const A = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
const B = "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d";
const NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let directory: string;

beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), "fleet-main-")));
});

afterEach(() => rm(directory, { recursive: true }));

/**
 * Runs the program as npm does, with the user's directory in INIT_CWD.
 *
 * @param interruptAt sends Ctrl-C when this has been printed
 */
function run(
  args: readonly string[],
  interruptAt?: string,
  nodeOptions: readonly string[] = [],
): Promise<Result> {
  const env = { ...process.env, INIT_CWD: directory };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...nodeOptions, PROGRAM, ...args],
      { env },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
    child.stdout?.on("data", (text: string) => {
      if (interruptAt !== undefined && text.includes(interruptAt)) child.kill("SIGINT");
    });
  });
}

async function writeTwoFiles(): Promise<void> {
  await mkdir(join(directory, "dir"));
  await writeFile(join(directory, "dir/a"), "a");
  await writeFile(join(directory, "dir/b\\\n"), "b");
}

describe("npm start", () => {
  test("hashes a directory into a file that sha256sum can check", async () => {
    await writeTwoFiles();
    const { code, stdout, stderr } = await run(["dir", "--out", "sums", "--chaos", "100"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(await readFile(join(directory, "sums"), "utf8")).toBe(
      `${A}  ${directory}/dir/a\n\\${B}  ${directory}/dir/b\\\\\\n\n`,
    );
    expect(stdout).toContain(`SHA-256 of every file under ${directory}/dir`);
    expect(stdout).toContain("every file once: 2 found, 2 hashed, 0 unreadable, 0 lost, 0 twice");
    // No terminal: plain lines.
    expect(stdout).not.toContain("\x1b");
  });

  test("does not hash the file it writes", async () => {
    await writeFile(join(directory, "empty"), "");
    await writeFile(join(directory, "sums"), "of the run before");
    await run([".", "--out", "sums"]);
    const { code } = await run([".", "--out", "sums"]);
    expect(code).toBe(0);
    expect(await readFile(join(directory, "sums"), "utf8")).toBe(
      `${NOTHING}  ${directory}/empty\n`,
    );
  });

  test("resolves a root that is a symbolic link", async () => {
    await writeTwoFiles();
    await symlink("dir", join(directory, "link"));
    const { stdout } = await run(["link"]);
    expect(stdout).toContain(`under ${directory}/dir\n`);
  });

  test.each([
    [["nowhere"], 1, "cannot read the directory "],
    [["file"], 1, "file: not a directory\n"],
    [["--out", "nowhere/sums"], 1, "sums: no such file or directory (ENOENT)\n"],
    [["--chaos", "-1"], 64, "It must be a number from 0 to 1000."],
    [["--frobnicate"], 64, "unknown option '--frobnicate'"],
  ])("%j exits with %d and says why", async (args, expected, why) => {
    await writeFile(join(directory, "file"), "");
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: expected, stdout: "" });
    expect(stderr).toContain(why);
    expect(stderr).not.toContain("    at ");
  });

  test("says in the exit code that something could not be read, and writes the rest", async () => {
    await writeTwoFiles();
    const { place, reason, undo } = await makeUnreadable(join(directory, "dir"));
    const { code, stdout } = await run(["dir", "--out", "sums"]);
    await undo();
    expect(code).toBe(2);
    expect(stdout).toContain(`unreadable:\n  ${place}: ${reason}\n`);
    expect(stdout).toMatch(/every file once: \d found, 2 hashed, \d unreadable, 0 lost, 0 twice/);
    expect((await readFile(join(directory, "sums"), "utf8")).match(/\n/g)).toHaveLength(2);
  });

  test.each([0, 1, 3])("spreads its workers over %d nodes, with the same result", async (nodes) => {
    await writeTwoFiles();
    const args = ["dir", "--out", "sums", "--nodes", String(nodes)];
    const { code, stdout, stderr } = await run(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(await readFile(join(directory, "sums"), "utf8")).toBe(
      `${A}  ${directory}/dir/a\n\\${B}  ${directory}/dir/b\\\\\\n\n`,
    );
    expect(stdout.match(/worker \d <node-\d\./g) ?? []).toHaveLength(nodes === 0 ? 0 : 8);
  });

  test("does all itself where no process can be started, and says so", async () => {
    await writeTwoFiles();
    const flags = process.allowedNodeEnvironmentFlags;
    // Node 20 knows it by its first name only.
    const permission = flags.has("--permission") ? "--permission" : "--experimental-permission";
    const allowed = [permission, "--allow-fs-read=*", "--allow-fs-write=*"];
    const { code, stdout } = await run(["dir"], undefined, allowed);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^No other processes here \(.+\): all workers run in this one\.$/m);
    expect(stdout).toContain("every file once: 2 found, 2 hashed");
  });

  test("leaves no node behind, even when it is killed", async () => {
    const child = spawn(process.execPath, [PROGRAM, "--nodes", "2", "--chaos", "0"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const closed = once(child, "close");
    for await (const line of createInterface({ input: child.stdout })) {
      // Files were hashed, and all workers are in nodes.
      if (/ s {2}[1-9][\d,]* of /.test(line)) break;
    }
    child.kill("SIGKILL");
    // The nodes have its stderr as well: that is closed when the last of them has ended.
    child.stdout.resume();
    child.stderr.resume();
    await closed;
    expect(child.signalCode).toBe("SIGKILL");
  });

  test("stops in order at Ctrl-C, and leaves the file as it was", async () => {
    await writeFile(join(directory, "sums"), "of the run before");
    const { code, stdout } = await run(["--out", "sums"], "SHA-256 of every file");
    expect(code).toBe(130);
    expect(stdout).toMatch(/Stopped in order: .* left/);
    expect(stdout).toContain(`${directory}/sums was not written.`);
    expect(await readdir(directory)).toEqual(["sums"]);
    expect(await readFile(join(directory, "sums"), "utf8")).toBe("of the run before");
  });
});

interface Unreadable {
  readonly place: string;
  readonly reason: string;
  undo(): Promise<void>;
}

/** Permissions mean nothing to root, but the length of a path is limited for everybody. */
async function makeUnreadable(root: string): Promise<Unreadable> {
  if (process.getuid?.() !== 0) {
    const place = join(root, "secret");
    await writeFile(place, "secret", { mode: 0 });
    return { place, reason: "permission denied (EACCES)", undo: async () => undefined };
  }
  // Two paths that can be, put together to one that cannot.
  const name = "d".repeat(250);
  const half = join(...Array<string>(10).fill(name));
  const [upper, lower] = [join(root, "upper"), join(root, "lower")];
  for (const path of [upper, lower]) await mkdir(join(path, half), { recursive: true });
  const joint = join(upper, half, "lower");
  await rename(lower, joint);
  let place = joint;
  while (place.length < 4_096) place = join(place, name);
  return { place, reason: "name too long (ENAMETOOLONG)", undo: () => rename(joint, lower) };
}
