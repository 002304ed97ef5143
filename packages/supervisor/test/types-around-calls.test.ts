/** Whatever stands between a caller and its server leaves the types of the call as they are. */
import { describe, expect, test } from "@jest/globals";
import { name, type TIMEOUT, type Node, type Pid, type Self } from "@coppice/core";
import {
  agent,
  callWithRetry,
  child,
  childTemplate,
  circuitBreaker,
  defineDynamicSupervisor,
  defineServer,
  multiCall,
  RequestCollection,
  retry,
  sendRequest,
  startChild,
  startSupervisor,
  task,
  workerPool,
  type ProtocolOf,
  type Response,
  type WorkerPoolMessage,
} from "@coppice/supervisor";

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only where the type is `true`. */
function holds<T extends true>(): T | undefined {
  return undefined;
}

/** What is in it is compiled, and never run. */
function compiled(_code: (node: Node, self: Self<never>) => unknown): void {
  expect(_code).toBeInstanceOf(Function);
}

const shelf = defineServer({
  init: (size: number) => ({ size, books: [] as readonly string[] }),
  call: {
    find: ({ books }, title: string, copies: number) =>
      books.length > copies ? { reply: title } : { reply: null },
    count: ({ books }) => ({ reply: books.length }),
  },
  cast: { add: (state, title: string) => ({ state: { ...state, books: [title] } }) },
});
type Shelf = ProtocolOf<typeof shelf>;
const Shelf = name<Shelf>("shelf");

describe("a request that is sent now and waited for later", () => {
  test("is checked to its last argument, and gives the type of its reply", () => {
    compiled(async (node) => {
      const request = sendRequest(node, Shelf, ["find", "Emma", 1]);
      const response = await request.receive();
      holds<Equal<typeof response, Response<string | null> | typeof TIMEOUT>>();
      // @ts-expect-error -- the last argument is a number
      sendRequest(node, Shelf, ["find", "Emma", "1"]);
      // @ts-expect-error -- that is a cast
      sendRequest(node, Shelf, ["add", "Emma"]);
      const requests = new RequestCollection<number>(node);
      requests.add("a", sendRequest(node, Shelf, ["count"]));
      // @ts-expect-error -- its replies are numbers
      requests.add("b", request);
    });
  });
});

describe("a call to many, a call that is tried again, a call behind a breaker", () => {
  test("is checked to its last argument, and gives the type of its reply", () => {
    compiled(async (node) => {
      const { replies } = await multiCall(node, ["a", "b"], Shelf, ["find", "Emma", 1]);
      holds<Equal<(typeof replies)[number]["reply"], string | null>>();
      // @ts-expect-error -- an argument is missing
      await multiCall(node, ["a"], Shelf, ["find", "Emma"]);
      const found = await callWithRetry(node, Shelf, ["find", "Emma", 1]);
      holds<Equal<typeof found, string | null>>();
      // @ts-expect-error -- no such call
      await callWithRetry(node, Shelf, ["fnd", "Emma", 1]);
      const again = await retry(node, () => node.call(Shelf, ["count"]));
      holds<Equal<typeof again, number>>();
      const guarded = await circuitBreaker.create(node).run(() => node.call(Shelf, ["count"]));
      holds<Equal<typeof guarded, number>>();
    });
  });
});

describe("a server that is lent, started at run time, or kept under a name", () => {
  test("a pool lends what its workers are", () => {
    compiled(async (node) => {
      const Shelves = name<WorkerPoolMessage<Shelf>>("shelves");
      workerPool.define({ name: Shelves, size: 2, worker: child("shelf", shelf, 3) });
      const other = defineServer({ init: () => 0, cast: { other: () => undefined } });
      // @ts-expect-error -- workers of another protocol
      workerPool.define({ name: Shelves, size: 2, worker: child("other", other) });
      const count = await workerPool.use(node, Shelves, (worker) => {
        holds<Equal<typeof worker, Pid<Shelf>>>();
        return node.call(worker, ["count"]);
      });
      holds<Equal<typeof count, number>>();
    });
  });

  test("a dynamic supervisor starts with the arguments that its template leaves open, and gives the pid", () => {
    compiled(async (node) => {
      const shelves = defineDynamicSupervisor({ child: childTemplate("shelf", shelf) });
      const supervisor = await startSupervisor(node, shelves);
      const started = await startChild(node, supervisor, [3]);
      if (started.ok) holds<Equal<typeof started.pid, Pid<Shelf> | undefined>>();
      // @ts-expect-error -- its size is a number
      await startChild(node, supervisor, ["3"]);
      // @ts-expect-error -- its size is missing
      await startChild(node, supervisor, []);
      // @ts-expect-error -- the template has it already
      childTemplate("shelf", shelf, 3, 4);
    });
  });

  test("a name promises no more than the child understands", () => {
    compiled(() => {
      child({ id: "shelf", name: Shelf }, shelf, 3);
      // @ts-expect-error -- a shelf understands no "other"
      child({ id: "shelf", name: name<{ readonly other: true }>("other") }, shelf, 3);
    });
  });
});

describe("tasks and agents", () => {
  test("give the types of what their functions return", () => {
    compiled(async (node, self) => {
      const one = task.async(self, () => 1);
      const value = await task.await(self, one);
      holds<Equal<typeof value, number>>();
      const both = await task.awaitMany(self, [one, task.async(self, () => "two")]);
      holds<Equal<typeof both, [number, string]>>();
      for await (const result of task.asyncStream(self, [1, 2], (_self, n) => `${n}`)) {
        if ("value" in result) holds<Equal<typeof result.value, string>>();
      }
      // @ts-expect-error -- items are numbers
      task.asyncStream(self, [1, 2], (_self, text: string) => text);
      const kept = await agent.start(node, () => ({ n: 1 }));
      const n = await agent.get(node, kept, (state) => state.n);
      holds<Equal<typeof n, number>>();
      // @ts-expect-error -- of another type than its value
      await agent.update(node, kept, () => "n");
    });
  });
});
