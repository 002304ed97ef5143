/** Servers that do nothing, under a dynamic supervisor: what the jobs about many children share. */
import type { Starter } from "@coppice/core";
import {
  childTemplate,
  countChildren,
  defineDynamicSupervisor,
  defineServer,
  startChild,
  startSupervisor,
} from "@coppice/supervisor";

const server = defineServer({
  init: () => 0,
  call: { add: (_state, to: number) => ({ reply: to + 1 }) },
});
const servers = defineDynamicSupervisor({ child: childTemplate("server", server) });

export async function startServers(self: Starter) {
  return startSupervisor(self, servers);
}

type ServersPid = Awaited<ReturnType<typeof startServers>>;

/** Starts `count` children, one after the other. */
export async function startChildren(
  self: Starter,
  supervisor: ServersPid,
  count: number,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    const started = await startChild(self, supervisor, []);
    if (!started.ok) throw new Error("a child did not start", { cause: started.error });
  }
}

export async function countServers(self: Starter, supervisor: ServersPid): Promise<number> {
  return (await countChildren(self, supervisor)).active;
}
