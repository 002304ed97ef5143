/** Installs the dependencies when they are missing or no longer those of the lockfile. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { capture } from "./child.mjs";
import { packageNames, root } from "./workspace.mjs";

const PNPM = "pnpm@12.21.0";
const modules = join(root, "node_modules");
const stampFile = join(modules, ".coppice-install");

/**
 * Makes `node_modules` match the lockfile; does and prints nothing when it does already.
 *
 * @returns {Promise<boolean>} whether the dependencies are there
 */
export async function bootstrap() {
  const wanted = describeInstall();
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === wanted) return true;

  console.error("Installing dependencies …");
  // CI: pnpm must neither ask a question nor touch the lockfile.
  const { code, output } = await capture("npx", ["--yes", PNPM, "install", "--frozen-lockfile"], {
    env: { ...process.env, CI: "true" },
    shell: process.platform === "win32",
  });
  if (code !== 0) {
    console.error(`${output}\nInstalling the dependencies failed: see above.`);
    return false;
  }
  writeFileSync(stampFile, wanted);
  return true;
}

/** All that decides what an install puts into `node_modules`, as a hash. */
function describeInstall() {
  const manifests = [
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "package.json",
    ...packageNames(root).map((name) => `packages/${name}/package.json`),
    ...["examples", "bugs", "conformance", "bench", "docs"].map((name) => `${name}/package.json`),
  ];
  const hash = createHash("sha256").update(`${PNPM} ${process.platform} ${process.arch}\n`);
  for (const file of manifests) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}
