/** A real node for the client's tests: says where it listens, and ends when its input does. */
import { at, createNode, name } from "../../../packages/core/dist/index.js";
import { startRemote } from "../../../packages/remote/dist/index.js";

const Calc = name("calc");
const Notes = name("notes");
const Adder = name("adder");

const node = createNode({ name: "ts", logger: false });

/** Answers calls, and does what it is told. */
async function calc(self) {
  for (;;) {
    const message = await self.receive();
    if (message.type === "gone") self.send(Notes, { type: "cast", request: message.reason });
    if (message.type !== "call") continue;
    const { request, from } = message;
    switch (request) {
      case "die":
        self.exit({ shutdown: "asked" });
        break;
      case "relay":
        self.reply(from, await self.call(at("py", Adder), [1, 2, 3]));
        break;
      case "watch":
        self.monitor(at("py", Adder), ({ reason }) => ({ type: "gone", reason }));
        self.reply(from, "watching");
        break;
      case "crash":
        throw new TypeError("on purpose");
      default:
        self.reply(from, { echo: request });
    }
  }
}

/** Keeps the last cast, and tells it when called. */
async function notes(self) {
  let last = "nothing";
  for (;;) {
    const message = await self.receive();
    if (message.type === "cast") last = message.request;
    else self.reply(message.from, last);
  }
}

function start() {
  const pid = node.spawn(calc);
  node.register(Calc, pid);
  void node.whenExited(pid).then(start);
}
start();
node.register(Notes, node.spawn(notes));

const cookie = "a cookie of sixteen or more";
const remote = await startRemote(node, { cookie, hearMs: 2000, listen: { port: 0 } });
console.log(remote.addresses[0]);
process.stdin.on("end", () => process.exit(0)).resume();
