// A program in Python is a peer: it calls a process of this one by name, and is called by it; each is told of
// the other's end. Try: npm run example -- python-ping-pong
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import {
  at,
  createNode,
  name,
  type Call,
  type ExitReason,
  type From,
  type Self,
} from "@coppice/core";
import { generateCookie, startRemote } from "@coppice/remote";

const ROUNDS = 1_000;

/** Debian's own first: its packages are for it alone. */
const PYTHONS = ["/usr/bin/python3", "python3"];
const CLIENT = fileURLToPath(new URL("../../../clients/python", import.meta.url));
const PLAYER = fileURLToPath(new URL("../../python-ping-pong/player.py", import.meta.url));

type Player = Call<"ping", "pong">;
const Ponger = name<Player>("ponger");
/** That one is in Python. */
const Snake = name<Player>("snake");

/** What the player in Python says of itself. */
type Told =
  | Call<{ readonly played: number }, null>
  | Call<{ readonly ended: ExitReason }, null>
  | { readonly type: "down"; readonly reason: ExitReason };
const Referee = name<Told>("referee");

async function ponger(self: Self<Player>): Promise<void> {
  for (;;) self.reply((await self.receive()).from, "pong");
}

/** Listens to what Python tells, and has the other half of the game played. */
async function referee(self: Self<Told>, kill: () => void): Promise<void> {
  for (;;) {
    const message = await self.receive();
    if (message.type === "down") {
      console.log(`Python was killed, and TypeScript is told: ${String(message.reason)}`);
      return;
    }
    const { request, from } = message;
    if ("played" in request) {
      console.log(`Python called ${request.played} times: ping, pong`);
      for (let round = 0; round < ROUNDS; round++) await self.call(at("py", Snake), "ping");
      console.log(`TypeScript called ${ROUNDS} times: ping, pong`);
      self.reply(from as From<null>, null);
      const player = self.node.whereis(Ponger);
      if (player !== undefined) self.exit(player, "the game is over");
    } else {
      console.log(`TypeScript's player ended, and Python is told: ${String(request.ended)}`);
      self.monitor(at("py", Snake), ({ reason }) => ({ type: "down", reason }));
      self.reply(from as From<null>, null);
      kill();
    }
  }
}

async function main(): Promise<void> {
  const python = PYTHONS.find(
    (path) => spawnSync(path, ["-c", "import cbor2, websockets"]).status === 0,
  );
  if (python === undefined) {
    console.log(
      "no python3 with websockets and cbor2 (apt-get install python3-websockets python3-cbor2)",
    );
    return;
  }
  const node = createNode({ name: "ts", logger: false });
  const [cookie, clientCookie] = [generateCookie(), generateCookie()];
  const remote = await startRemote(node, {
    cookie,
    clientCookie,
    listen: { port: 0 },
    exports: [Ponger, Referee],
  });
  const program = spawn(python, [PLAYER, ...remote.addresses, String(ROUNDS)], {
    env: { ...process.env, PYTHONPATH: CLIENT },
    stdio: ["pipe", "inherit", "inherit"],
  });
  // Not among its arguments, where others may look.
  program.stdin.end(`${clientCookie}\n`);
  node.register(Ponger, node.spawn(ponger));
  const judge = node.spawn(referee, () => void program.kill("SIGKILL"));
  node.register(Referee, judge);
  // Should it not come to the end of the game.
  program.on("exit", (code) => {
    if (code !== null) void node.stop();
  });
  await node.whenExited(judge);
  await node.stop();
}

await main();
