/** What the figures depend on: versions and machine. */
import { readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";

interface PackageFile {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

export function describeEnvironment(
  beamVersion: string | undefined,
  natsVersion: string | undefined,
): string {
  // The versions of the peers are pinned there.
  const { dependencies } = packageFile("../package.json");
  const { version } = packageFile("../../packages/core/package.json");
  const model = cpus()[0]?.model ?? "unknown CPU";
  return [
    `coppice ${version}`,
    `node ${process.versions.node}`,
    ...(beamVersion === undefined ? [] : [`beam ${beamVersion}`]),
    ...["nact", "xstate", "effect", "moleculer", "comedy"].map(
      (peer) => `${peer} ${dependencies[peer]}`,
    ),
    ...(natsVersion === undefined ? [] : [`nats-server ${natsVersion}`]),
    `${availableParallelism()} × ${model}`,
  ].join(" · ");
}

function packageFile(path: string): PackageFile {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as PackageFile;
}
