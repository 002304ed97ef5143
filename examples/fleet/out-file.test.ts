import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { OutFile } from "./out-file.js";
import { rawPath } from "./raw-path.js";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "fleet-out-"));
});

afterEach(() => rm(directory, { recursive: true }));

const files = [{ path: rawPath("/a"), sha256: "5u", bytes: 1 }];

describe("the out file", () => {
  test("appears when everything is in it, and not before", async () => {
    const out = await OutFile.open(join(directory, "sums"));
    expect(await readdir(directory)).not.toContain("sums");
    await out.keep(files);
    await out.discard();
    expect(await readdir(directory)).toEqual(["sums"]);
    expect(await readFile(join(directory, "sums"), "utf8")).toBe("5u  /a\n");
  });

  test("leaves what was there when the run fails", async () => {
    await writeFile(join(directory, "sums"), "before");
    const out = await OutFile.open(join(directory, "sums"));
    await out.discard();
    expect(await readdir(directory)).toEqual(["sums"]);
    expect(await readFile(join(directory, "sums"), "utf8")).toBe("before");
  });

  test("is written where a symbolic link points", async () => {
    await writeFile(join(directory, "there"), "before");
    await symlink("there", join(directory, "here"));
    const out = await OutFile.open(join(directory, "here"));
    await out.keep(files);
    expect(await readFile(join(directory, "there"), "utf8")).toBe("5u  /a\n");
  });

  test("knows which files are its own", async () => {
    const out = await OutFile.open(join(directory, "sums"));
    const [place, draft] = out.ownPaths;
    expect(place).toBe(rawPath(out.path));
    expect(await readdir(directory)).toEqual([draft?.slice(draft.lastIndexOf("/") + 1)]);
    await out.discard();
  });

  test.each([
    ["a directory", ".", "is there, and is no regular file"],
    ["a device", "/dev/null", "is there, and is no regular file"],
    ["in no directory", "nowhere/sums", "no such file or directory (ENOENT)"],
    ["below a file", "file/sums", "not a directory (ENOTDIR)"],
  ])("cannot be %s", async (_what, path, reason) => {
    await writeFile(join(directory, "file"), "");
    await mkdir(join(directory, "empty"));
    const place = path.startsWith("/") ? path : `${directory}/${path}`;
    await expect(OutFile.open(place)).rejects.toThrow(`cannot write ${place}: ${reason}`);
  });
});
