// A page is a node, too: in the role of a client it watches a process of this server, and sees it crash and
// start again. Try: npm run example -- browser, and open the address that is printed.
import { createNode, type Call } from "@coppice/core";
import { generateCookie, startRemote } from "@coppice/remote";
import { child, defineSupervisor } from "@coppice/supervisor";
import { counter } from "./counter.js";
import { Counter, Vault } from "./names.js";
import { startSite } from "./site.js";

/** The port of the site: 8081 by default, 0 for any that is free. */
const port = Number(process.argv[2] ?? 8081);

const node = createNode({ name: "server", logger: false });
// Each is new at every start. The page is given the second, which lets in clients alone.
const [cookie, clientCookie] = [generateCookie(), generateCookie()];
let address = "";
const site = await startSite(port, () => ({ address, clientCookie }));
const origin = `http://127.0.0.1:${site.port}`;
const remote = await startRemote(node, {
  cookie,
  clientCookie,
  listen: { port: 0, allowedOrigins: [origin] },
  exports: [Counter],
});
[address = ""] = remote.addresses;

await node.start(
  defineSupervisor({
    strategy: "one_for_one",
    intensity: 100,
    children: [child({ id: "counter", name: Counter }, counter)],
  }),
);
const vault = node.spawn<Call<"secret", string>>(async (self) => {
  for (;;) self.reply((await self.receive()).from, "not for pages");
});
node.register(Vault, vault);
remote.events.subscribe((event) => {
  if (event.type === "up" || event.type === "down") console.log(`${event.type}: ${event.node}`);
  if (event.type === "denied") console.log(`denied to ${event.node}: ${event.what}`);
});
console.log(`open ${origin}/`);
