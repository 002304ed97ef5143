/** The routes: what can be asked of the service. */
import type { Context } from "hono";
import { Hono } from "hono";
import type { Node } from "@coppice/core";
import { callWithRetry, renderTree, supervisionTree } from "@coppice/supervisor";
import { OverloadError, RequestError, runRequest, type Work } from "./requests.js";
import { Store } from "./store.js";

/** How long a request may take. */
const REQUEST_MS = 60_000;

/** Asking twice is as good as once. */
const READ = { idempotent: true };

/**
 * What the service does with requests. A request that crashes is answered with 500. While the store is being
 * restarted its callers wait; what only reads is asked of the successor, too, by those whose store crashed.
 */
export function createRoutes(node: Node): Hono {
  const run = <T>(context: Context, work: Work<T>): Promise<T> =>
    runRequest(node, `${context.req.method} ${context.req.path}`, REQUEST_MS, work);
  const routes = new Hono();

  routes.get("/counters", async (context) =>
    context.json(await run(context, (self) => callWithRetry(self, Store, ["all"], READ))),
  );

  routes.get("/counters/:name{[\\w-]{1,100}}", async (context) => {
    const name = context.req.param("name");
    const value = await run(context, (self) => callWithRetry(self, Store, ["get", name], READ));
    return value === undefined ? context.notFound() : context.json({ name, value });
  });

  // `?afterMs=2000` makes it a slow one, to see what a stop does with what is under way.
  routes.post("/counters/:name{[\\w-]{1,100}}", async (context) => {
    const name = context.req.param("name");
    const afterMs = wholeNumber(context.req.query("afterMs") ?? "0", 60_000);
    const by = wholeNumber(context.req.query("by") ?? "1", 1_000_000);
    if (afterMs === undefined || by === undefined) {
      return context.json({ error: "by and afterMs must be whole numbers of at least 0" }, 400);
    }
    const value = await run(context, async (self) => {
      if (afterMs > 0) {
        console.log(`request: waits ${afterMs} ms`);
        await self.sleep(afterMs);
      }
      return callWithRetry(self, Store, ["add", name, by]);
    });
    return context.json({ name, value });
  });

  routes.get("/tree", async (context) => {
    const tree = await run(context, async (self) => {
      // The parent of a request is the supervisor of requests, whose parent is that of all.
      const [, top] = self.processInfo(self.pid)?.ancestors ?? [];
      return top && supervisionTree(self, top);
    });
    return tree === undefined ? context.notFound() : context.text(`${renderTree(tree)}\n`);
  });

  // ── what should not happen, to see that it does no harm ──────────────────────────────────────

  routes.post("/crash", async (context) =>
    context.json(
      await run(context, () => {
        throw new Error("a bug in a request");
      }),
    ),
  );

  routes.post("/crash/store", async (context) => {
    await run(context, (self) => self.cast(Store, ["crash"]));
    return context.json({ crashed: "store" });
  });

  routes.post("/forget", async (context) => {
    await run(context, async (self) => {
      void forgotten();
      await self.sleep(1);
    });
    return context.json({ forgotten: true });
  });

  routes.notFound((context) => context.json({ error: "not found" }, 404));
  routes.onError((error, context) => {
    if (error instanceof OverloadError) return context.json({ error: "try again later" }, 503);
    // Its supervisor has told the operator why; whoever asked need not know.
    if (!(error instanceof RequestError)) console.error(error);
    return context.json({ error: "internal error" }, 500);
  });
  return routes;
}

async function forgotten(): Promise<void> {
  await undefined;
  throw new Error("nobody waits for this");
}

function wholeNumber(text: string, most: number): number | undefined {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  return value <= most ? value : undefined;
}
