/** Servers under supervisors that crash when they are told to: what the jobs about supervision share. */
import { createNode, type Node, type Pid, type Self } from "@coppice/core";
import { defineServer, type ProtocolOf, type ServerSelf } from "@coppice/supervisor";

/** What a worker tells when it has started. */
export interface Started {
  readonly pid: Pid<WorkerProtocol>;
}

export const worker = defineServer({
  init(main: Pid<Started>, self: ServerSelf) {
    self.send(main, { pid: self.pid as Pid<WorkerProtocol> });
    return 0;
  },
  call: { add: (_state, to: number) => ({ reply: to + 1 }) },
  cast: {
    crash: () => {
      throw new Error("on purpose");
    },
  },
});

type WorkerProtocol = ProtocolOf<typeof worker>;

/** Longer than any job takes. */
export const PERIOD_MS = 3_600_000;

/** Runs `main` in a process of a node where crashes are no news. */
export async function inNode<T>(main: (self: Self<Started>, node: Node) => Promise<T>): Promise<T> {
  const node = createNode({ name: "bench", logger: false });
  let result: { readonly value: T } | undefined;
  const pid = node.spawn<Started>(async (self) => {
    result = { value: await main(self, node) };
  });
  const reason = await node.whenExited(pid);
  await node.stop({ timeoutMs: 0 });
  if (result === undefined) throw new Error("the job failed", { cause: reason });
  return result.value;
}

/** Takes as many `Started` as asked for; returns the first. */
export async function awaitStarted(self: Self<Started>, count: number): Promise<Started["pid"]> {
  const { pid } = await self.receive();
  for (let i = 1; i < count; i++) await self.receive();
  return pid;
}
