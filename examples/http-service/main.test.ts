import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { Agent, request, type IncomingMessage } from "node:http";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";

/** What `npm run example -- http-service` runs; `npm test` builds it first. */
const PROGRAM = fileURLToPath(new URL("../dist/http-service/main.js", import.meta.url));

/** The program, running. Nothing here waits for time: what happens is printed, or answered. */
class Service {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #waiting: { readonly text: string; readonly found: (line: string) => void }[] = [];
  /** All that it has printed so far, in order of arrival. */
  readonly lines: string[] = [];
  url = "";

  constructor(args: readonly string[], directory: string) {
    const env = { ...process.env, INIT_CWD: directory };
    this.#child = spawn(process.execPath, [PROGRAM, ...args], { env });
    this.#closed = once(this.#child, "close");
    for (const input of [this.#child.stdout, this.#child.stderr]) {
      if (input !== null) createInterface({ input }).on("line", (line) => this.#printed(line));
    }
  }

  #printed(line: string): void {
    this.lines.push(line);
    for (const { text, found } of this.#waiting) if (line.includes(text)) found(line);
  }

  /** The first line with `text` in it, as soon as it is printed. Rejects when the program ends without it. */
  async line(text: string): Promise<string> {
    const printed = this.lines.find((line) => line.includes(text));
    if (printed !== undefined) return printed;
    const found = new Promise<string>((resolve) => this.#waiting.push({ text, found: resolve }));
    const ended = this.#closed.then(() => undefined);
    const line = await Promise.race([found, ended]);
    if (line === undefined) throw new Error(`ended without "${text}":\n${this.lines.join("\n")}`);
    return line;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async exitCode(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }

  /** The exit code after SIGTERM. */
  stop(): Promise<number | null> {
    this.signal("SIGTERM");
    return this.exitCode();
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#closed;
  }
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

function ask(url: string, method = "GET", agent?: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, ...(agent && { agent }) }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => (text += part));
      answer.on("end", () => {
        const { statusCode: status, headers } = answer;
        const isJson = headers["content-type"]?.startsWith("application/json") === true;
        resolve({ status, headers, body: isJson ? JSON.parse(text) : text });
      });
    });
    asked.on("error", reject).end();
  });
}

const services: Service[] = [];
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "http-service-"));
});

afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.kill()));
  await rm(directory, { recursive: true });
});

/** Starts the program; it may end at once. */
function launch(...args: readonly string[]): Service {
  const service = new Service(args, directory);
  services.push(service);
  return service;
}

/** Starts the program on a free port, and waits until it listens. */
async function start(...args: readonly string[]): Promise<Service> {
  const service = launch("--port", "0", ...args);
  service.url = (await service.line("listener: http")).replace("listener: ", "");
  return service;
}

/** What an operator read, without pids and stacks. */
function told(service: Service): string[] {
  return (
    service.lines
      .filter((line) => line.startsWith("[coppice]"))
      // That is about a busy machine, and not about the service.
      .filter((line) => !line.includes("the event loop"))
      .map((line) => line.replaceAll(/ <[^>]*>/g, ""))
  );
}

const STOPS = "[coppice] SIGTERM: http-service stops, within 9000 ms; again to end it at once";

describe("the service", () => {
  test("counts", async () => {
    const { url } = await start();
    expect(await ask(`${url}/counters`)).toMatchObject({ status: 200, body: {} });
    expect((await ask(`${url}/counters/a`, "POST")).body).toEqual({ name: "a", value: 1 });
    expect((await ask(`${url}/counters/a?by=41`, "POST")).body).toEqual({ name: "a", value: 42 });
    expect((await ask(`${url}/counters/a`)).body).toEqual({ name: "a", value: 42 });
    expect((await ask(`${url}/counters`)).body).toEqual({ a: 42 });
  });

  test.each([
    ["GET", "/counters/none", 404],
    ["GET", "/nowhere", 404],
    ["DELETE", "/counters", 404],
    ["POST", "/counters/a?by=many", 400],
    ["POST", "/counters/a?by=-1", 400],
    ["POST", "/counters/a?afterMs=60001", 400],
  ])("answers %s %s with %i and says why", async (method, path, status) => {
    const service = await start();
    const answer = await ask(`${service.url}${path}`, method);
    expect(answer).toMatchObject({ status, body: { error: expect.any(String) } });
    expect(told(service)).toEqual([]);
  });

  test("shows its tree", async () => {
    const { url } = await start();
    const { body } = await ask(`${url}/tree`);
    expect(String(body).replaceAll(/ <[^>]*>/g, "").split("\n")).toEqual([
      "http-service one_for_one",
      "├─ store",
      "├─ requests simple_one_for_one",
      "│  └─ request",
      "└─ listener",
      "",
    ]); // prettier-ignore
  });
});

describe("a crash", () => {
  test("in a request is that request's own: 500, and who crashed is told", async () => {
    const service = await start();
    const crash = await ask(`${service.url}/crash`, "POST");
    expect(crash).toMatchObject({ status: 500, body: { error: "internal error" } });
    expect((await ask(`${service.url}/counters/a`, "POST")).status).toBe(200);
    await service.line("ended: ");
    expect(told(service)).toEqual([
      "[coppice] child http-service/requests/request ended: Error: a bug in a request; it is not restarted",
    ]);
  });

  test("of the store heals, and what was counted is still there", async () => {
    const service = await start("--file", "counters.json");
    await ask(`${service.url}/counters/a?by=7`, "POST");
    await ask(`${service.url}/crash/store`, "POST");
    await service.line("http-service/store");
    // Its successor may still be reading the file: who asks waits for it.
    expect(await ask(`${service.url}/counters`)).toMatchObject({ status: 200, body: { a: 7 } });
    expect(told(service)).toContain("[coppice] child http-service/store ended: Error: a bug in the store; it is restarted"); // prettier-ignore
  });

  test("of the store, again and again, is too much: it gives up with code 1", async () => {
    const service = await start();
    for (;;) {
      try {
        await ask(`${service.url}/crash/store`, "POST");
      } catch {
        break;
      }
    }
    expect(await service.exitCode()).toBe(1);
    expect(told(service).at(-1)).toBe(
      "[coppice] http-service has failed: http-service gave up, as its child store failed more than 5 times in 10000 ms, last by Error: a bug in the store",
    );
    expect(service.lines).toContain("listener: closed");
  });

  test("that nobody waits for is told, with the process it came from", async () => {
    const service = await start();
    expect((await ask(`${service.url}/forget`, "POST")).status).toBe(200);
    await service.line("unhandled rejection");
    expect(told(service)).toEqual([
      "[coppice] unhandled rejection in process http-service/requests/request: Error: nobody waits for this",
    ]);
    expect(await service.stop()).toBe(0);
  });
});

describe("SIGTERM", () => {
  test("finishes what is under way, then stops in the reverse order, and the code is 0", async () => {
    const service = await start("--file", "counters.json");
    const slow = ask(`${service.url}/counters/slow?afterMs=300`, "POST");
    await service.line("request: waits");
    service.signal("SIGTERM");
    const { status, headers, body } = await slow;
    expect({ status, body }).toEqual({ status: 200, body: { name: "slow", value: 1 } });
    expect(headers.connection).toBe("close");
    expect(await service.exitCode()).toBe(0);
    expect(service.lines.slice(1)).toEqual([
      "request: waits 300 ms",
      STOPS,
      "listener: lets nobody in any more, 1 under way",
      "listener: closed",
      "store: 1 saved",
    ]);
    expect(JSON.parse(await readFile(join(directory, "counters.json"), "utf8"))).toEqual({ slow: 1 }); // prettier-ignore
  });

  test("lets nobody in any more while that is finished", async () => {
    const service = await start();
    const slow = ask(`${service.url}/counters/slow?afterMs=2000`, "POST");
    await service.line("request: waits");
    service.signal("SIGTERM");
    await service.line("nobody in any more, 1 under way");
    await expect(ask(`${service.url}/counters`)).rejects.toThrow("ECONNREFUSED");
    expect((await slow).status).toBe(200);
    expect(await service.exitCode()).toBe(0);
  });

  test("does not wait for connections that are kept alive, or never used", async () => {
    const service = await start();
    const agent = new Agent({ keepAlive: true });
    await ask(`${service.url}/counters`, "GET", agent);
    const unused = connect(Number(new URL(service.url).port), "127.0.0.1");
    await once(unused, "connect");
    const closed = once(unused, "close");
    expect(await service.stop()).toBe(0);
    expect(told(service)).toEqual([STOPS]);
    await closed;
    agent.destroy();
  });

  test("is understood by the next run, which goes on counting", async () => {
    const first = await start("--file", "counters.json");
    await ask(`${first.url}/counters/a`, "POST");
    expect(await first.stop()).toBe(0);
    const second = await start("--file", "counters.json");
    expect((await ask(`${second.url}/counters/a`, "POST")).body).toEqual({ name: "a", value: 2 });
  });

  test("and Ctrl-C are the same", async () => {
    const service = await start();
    service.signal("SIGINT");
    expect(await service.exitCode()).toBe(0);
    expect(told(service)).toEqual([STOPS.replace("SIGTERM", "SIGINT")]);
  });

  test("names a child that is stuck at the deadline, and the code is 1", async () => {
    const service = await start("--stuck", "--deadline", "500", "--file", "counters.json");
    await ask(`${service.url}/counters/a`, "POST");
    expect(await service.stop()).toBe(1);
    expect(service.lines.slice(3, 6)).toEqual([
      "listener: closed",
      "store: 1 saved",
      "stubborn: stays",
    ]);
    expect(told(service).at(-1)).toBe(
      "[coppice] killed at the deadline: http-service/stubborn has not ended: it traps exits, was asked to end, and goes on waiting for messages",
    );
  });

  test("a second time ends a service that is stuck at once, with 143, and names who it was", async () => {
    const service = await start("--stuck");
    service.signal("SIGTERM");
    await service.line("stubborn: stays");
    service.signal("SIGTERM");
    expect(await service.exitCode()).toBe(143);
    expect(told(service).at(-1)).toBe(
      "[coppice] SIGTERM again: http-service is ended at once; http-service/stubborn has not ended: it traps exits, was asked to end, and goes on waiting for messages",
    );
  });

  test("a request that takes longer than there is time for is given up, and the code is 1", async () => {
    const service = await start("--deadline", "400");
    const slow = ask(`${service.url}/counters/slow?afterMs=60000`, "POST").catch(String);
    await service.line("request: waits");
    expect(await service.stop()).toBe(1);
    expect(await slow).toContain("socket hang up");
    expect(told(service).at(-1)).toMatch("killed at the deadline: http-service/listener has not");
  });
});

describe("a service that cannot start", () => {
  test("as its port is taken says so, names the listener, and the code is 1", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const service = launch("--port", String(port));
    expect(await service.exitCode()).toBe(1);
    other.close();
    expect(told(service)).toEqual([
      `[coppice] http-service did not start: its child http-service/listener failed: Error: listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
    ]);
  });

  test("as its file holds something else leaves that as it was, and the code is 1", async () => {
    const file = join(directory, "counters.json");
    await writeFile(file, "not json");
    const service = launch("--port", "0", "--file", "counters.json");
    expect(await service.exitCode()).toBe(1);
    expect(told(service)).toEqual([
      `[coppice] http-service did not start: its child http-service/store failed: Error: ${file} does not hold counters`,
    ]);
    expect(await readFile(file, "utf8")).toBe("not json");
  });

  test("as there is no folder for its file says so before it takes requests, and the code is 1", async () => {
    const service = launch("--port", "0", "--file", "nowhere/counters.json");
    expect(await service.exitCode()).toBe(1);
    expect(told(service)).toEqual([
      `[coppice] http-service did not start: its child http-service/store failed: Error: ENOENT: no such file or directory, stat '${join(directory, "nowhere")}'`,
    ]);
  });

  test.each([
    [["--port", "65536"], "It must be a whole number from 0 to 65535."],
    [["--deadline", "0"], "It must be a whole number from 1 to"],
    [["--frobnicate"], "unknown option '--frobnicate'"],
    [["one"], "too many arguments"],
  ])("as it does not understand %j says so, and the code is 64", async (args, why) => {
    const service = launch(...args);
    expect(await service.exitCode()).toBe(64);
    expect(service.lines.join("\n")).toContain(why);
  });

  test("can explain itself", async () => {
    const service = launch("--help");
    expect(await service.exitCode()).toBe(0);
    expect(service.lines.join("\n")).toContain("Exit codes:");
  });
});
