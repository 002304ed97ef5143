/** The server of NATS, where it is installed. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";

const PROGRAM = "nats-server";

/** Its version; `undefined` where there is none. */
export function natsVersion(): string | undefined {
  const { stdout } = spawnSync(PROGRAM, ["--version"], { encoding: "utf8" });
  return /v(\d\S*)/.exec(stdout ?? "")?.[1];
}

export async function startNats(port: number): Promise<ChildProcess> {
  const server = spawn(PROGRAM, ["--addr", "127.0.0.1", "--port", String(port)]);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.stderr.on("data", (text) => {
      if (String(text).includes("Server is ready")) resolve();
    });
  });
  return server;
}
