// What the page runs: a node in the role of a client, with one process that watches the counter.
import { at, createNode, formatReason, type ExitReason, type Self } from "@coppice/core";
import { startRemote } from "@coppice/remote/browser";
import { Counter, Vault, type PageConfig } from "./names.js";

/** What is needed of the browser. */
interface Browser {
  readonly document: {
    getElementById(id: string): PageElement | null;
    createElement(tag: string): PageElement;
  };
  fetch(url: string): Promise<{ json(): Promise<unknown> }>;
}

interface PageElement {
  textContent: string;
  onclick: (() => void) | null;
  append(child: PageElement): void;
}

const { document, fetch } = globalThis as unknown as Browser;

function element(id: string): PageElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no element ${id}`);
  return found;
}

function log(line: string): void {
  const item = document.createElement("li");
  item.textContent = line;
  element("log").append(item);
}

interface Down {
  readonly reason: ExitReason;
}

/** How long until it is asked again what is not there. */
const AGAIN_MS = 200;

/** Tells of every life of the counter, and counts while it lives. */
async function watch(self: Self<Down>): Promise<void> {
  const target = at("server", Counter);
  for (;;) {
    self.monitor(target, ({ reason }): Down => ({ reason }));
    const who = await self.call(target, ["who"]).catch(() => undefined);
    if (who !== undefined) {
      element("state").textContent = "alive";
      log(`alive: ${String(who)}`);
    }
    let down: Down | undefined;
    while (down === undefined) {
      const count = await self.call(target, ["add"]).catch(() => undefined);
      if (count !== undefined) element("count").textContent = String(count);
      const message = await self.receive({ timeoutMs: AGAIN_MS });
      if (typeof message === "object") down = message;
    }
    element("state").textContent = "not there";
    if (who !== undefined) log(`ended: ${formatReason(down.reason)}`);
    await self.sleep(who === undefined ? AGAIN_MS : 0);
  }
}

const config = (await (await fetch("/config.json")).json()) as PageConfig;
const node = createNode({ name: `page-${Math.random().toString(36).slice(2)}`, logger: false });
await startRemote(node, {
  role: "client",
  clientCookie: config.clientCookie,
  resolve: () => config.address,
});
node.spawn(watch);
element("crash").onclick = () => node.cast(at("server", Counter), ["crash"]);
node.call(at("server", Vault), "secret").then(
  (secret) => (element("vault").textContent = secret),
  (error: unknown) => (element("vault").textContent = (error as Error).name),
);
