/**
 * Nodes in worker threads: each a node of its own, connected with the node that started it, and a child
 * like any other of a supervisor there. What computes for long holds up its own thread alone, and what
 * hangs can be killed.
 */
import {
  MessageChannel,
  Worker,
  workerData,
  type MessagePort,
  type WorkerOptions,
} from "node:worker_threads";
import {
  checkKeys,
  createNode,
  InvalidArgumentError,
  type ExitReason,
  type Node,
  type NodeOptions,
  type Startable,
} from "@coppice/core";
import { child, defineSupervisor, type SupervisorDefinition } from "@coppice/supervisor";
import { UnreachableError } from "./errors.js";
import { messagePortTransport } from "./message-port-transport.js";
import { checkNodeName } from "./node-name.js";
import type { Remote } from "./remote.js";
import { RemoteNode } from "./remote-node.js";
import type { RemoteOptions } from "./remote-options.js";
import type { Key } from "./secret.js";
import { startRemote } from "./start-remote.js";
import { CLOSED_ABNORMALLY } from "./transport.js";

const PARENT = "thread://parent";

/** What a thread is given to begin with. */
interface ThreadData {
  readonly coppice: {
    readonly name: string;
    readonly cluster: string;
    readonly port: MessagePort;
    readonly keys: readonly Key[];
  };
}

/** How a thread is run, as for `Worker` of Node: what it is given, and how much memory it may take. */
export type ThreadWorkerOptions = Pick<
  WorkerOptions,
  "argv" | "env" | "execArgv" | "resourceLimits"
>;

const WORKER_KEYS = ["argv", "env", "execArgv", "resourceLimits"];

export interface ThreadNodeOptions {
  /** The module that the thread runs: it calls `startInThread`. */
  readonly url: URL;
  /** What the node in it is called. */
  readonly name: string;
  /** That of the parent by default, which is the one that it can connect with. */
  readonly cluster?: string;
  /** How the thread is run. One that takes more memory than `resourceLimits` say ends, and no other with it. */
  readonly worker?: ThreadWorkerOptions;
}

/** What the process that stands for a thread hears. */
type ThreadMessage =
  { readonly type: "up" } | { readonly type: "gone"; readonly reason: ExitReason };

/** @throws InvalidArgumentError the thread could not run that, or its node could not be called so */
function checkThread(
  what: string,
  remote: Remote,
  options: ThreadNodeOptions,
  known: readonly string[],
): RemoteNode {
  if (!(remote instanceof RemoteNode)) {
    throw new InvalidArgumentError(`${what}: remote`, "made by startRemote", remote);
  }
  checkKeys(`${what}: options`, options, known);
  const { url, name } = options;
  // One of another realm, such as a test's, is as good.
  if (typeof (Object(url) as { readonly href?: unknown }).href !== "string") {
    throw new InvalidArgumentError(`${what}: options.url`, "a URL", url);
  }
  checkNodeName(`${what}: options.name`, name);
  if (options.worker !== undefined) {
    checkKeys(`${what}: options.worker`, options.worker, WORKER_KEYS);
  }
  return remote;
}

/**
 * A node in a worker thread, to be started by a supervisor. Its process lives as long as the thread does,
 * and has started when the two nodes are connected; when it ends, the thread is terminated. It ends with
 * `{ threadExited: code }` or `{ error }` when the thread does, and with `"noconnection"` when the session with
 * the thread is over, as it is when that was silent for `hearMs`: it computes for too long, or for ever.
 *
 * @throws InvalidArgumentError `remote` was not made by `startRemote`, or an option is wrong
 */
export function threadNode(remote: Remote, options: ThreadNodeOptions): Startable<ThreadMessage> {
  const parent = checkThread("threadNode", remote, options, ["url", "name", "cluster", "worker"]);
  const { url, name, cluster = parent.cluster, worker } = options;
  return {
    start: (starter, startOptions) =>
      starter.spawnAndWait<ThreadMessage>({ label: name, ...startOptions }, async (self) => {
        const { port1, port2 } = new MessageChannel();
        const data: ThreadData = {
          coppice: { name, cluster, port: port2, keys: parent.keys },
        };
        const thread = new Worker(url, { ...worker, workerData: data, transferList: [port2] });
        self.own(thread, () => void thread.terminate());
        const { pid } = self;
        const gone = (reason: ExitReason): void => parent.node.send(pid, { type: "gone", reason });
        thread.on("error", (error) => gone({ error }));
        thread.on("exit", (code) => gone({ threadExited: code }));
        // Of this thread alone: what becomes of one before it, of the same name, may be told only now.
        const address = `thread://${name}/${thread.threadId}`;
        let incarnation: number | undefined;
        const events = parent.events.subscribe((event) => {
          // A port that is closed is the end of the thread, which says itself with what it ended.
          if ("code" in event && event.code === CLOSED_ABNORMALLY) return;
          if (event.type === "refused" && event.address === address) {
            gone({ error: new UnreachableError(name, event.text, event.code) });
          } else if (event.type === "up" && event.address === address) {
            ({ incarnation } = event);
            parent.node.send(pid, { type: "up" });
          } else if (event.type === "down" && event.incarnation === incarnation) {
            // No thread finds its way back over a port that is closed.
            if (event.node === name) gone("noconnection");
          }
        });
        self.own(events, () => events.unsubscribe());
        parent.accept(messagePortTransport(port1, address));
        for (;;) {
          const message = await self.receive();
          if (message.type === "gone") self.exit(message.reason);
          self.initAck({});
        }
      }),
  };
}

export interface ThreadGroupOptions {
  readonly url: URL;
  /** The nodes are called `NAME-1`, `NAME-2`, … */
  readonly name: string;
  /** How many threads. */
  readonly size: number;
  readonly cluster?: string;
  /** How each thread is run. */
  readonly worker?: ThreadWorkerOptions;
  /**
   * So many threads may be started again within `periodMs`; with one more the supervisor of the group gives up, and
   * with it all threads end. 1 in 5000 by default, as for any supervisor.
   */
  readonly intensity?: number;
  readonly periodMs?: number;
}

export interface ThreadGroup {
  /** Starts the threads, and starts again those that end. */
  readonly supervisor: SupervisorDefinition;
  /** The next of those that are connected, in turns: a place for `remote.behaviour`. */
  readonly place: () => string;
}

/**
 * Threads over which processes are spread.
 *
 * @throws InvalidArgumentError `remote` was not made by `startRemote`, or an option is wrong
 */
export function threadGroup(remote: Remote, options: ThreadGroupOptions): ThreadGroup {
  const known = ["url", "name", "size", "cluster", "worker", "intensity", "periodMs"];
  checkThread("threadGroup", remote, options, known);
  const { name, size, url, cluster, worker, intensity, periodMs } = options;
  const ofEach = { url, ...(cluster && { cluster }), ...(worker && { worker }) };
  if (!Number.isInteger(size) || size < 1) {
    throw new InvalidArgumentError("threadGroup: size", "a whole number of at least 1", size);
  }
  const names = Array.from({ length: size }, (_, index) => `${name}-${index + 1}`);
  let turn = 0;
  return {
    supervisor: defineSupervisor({
      strategy: "one_for_one",
      ...(intensity !== undefined && { intensity }),
      ...(periodMs !== undefined && { periodMs }),
      children: names.map((one) => child(one, threadNode(remote, { ...ofEach, name: one }))),
    }),
    place: () => {
      const connected = new Set(remote.nodes().map((node) => node.name));
      const live = names.filter((one) => connected.has(one));
      return live.length === 0 ? (names[0] as string) : (live[turn++ % live.length] as string);
    },
  };
}

/**
 * Makes the node of this thread and connects it with the one that started the thread.
 *
 * @throws InvalidArgumentError it is no thread that `threadNode` started
 */
export async function startInThread(
  options: Omit<RemoteOptions, "cookie" | "insecure" | "cluster" | "join"> = {},
  nodeOptions: Omit<NodeOptions, "name"> = {},
): Promise<{ readonly node: Node; readonly remote: Remote }> {
  const data = (workerData as Partial<ThreadData> | null)?.coppice;
  if (data === undefined) {
    const expected = "called in a thread that threadNode started";
    throw new InvalidArgumentError("startInThread", expected, workerData);
  }
  const { name, cluster, port, keys } = data;
  const node = createNode({ name, ...nodeOptions });
  const { diallers = [] } = options;
  const transport = messagePortTransport(port, PARENT);
  const remote = await startRemote(
    node,
    {
      ...options,
      cluster,
      // The two are one program.
      insecure: true,
      join: [PARENT],
      diallers: [...diallers, { accepts: (address) => address === PARENT, dial: () => transport }],
    },
    { keys },
  );
  return { node, remote };
}
