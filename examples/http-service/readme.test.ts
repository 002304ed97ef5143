import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { EXIT_USAGE, parseArguments } from "./cli.js";

const here = new URL("./", import.meta.url);
const readme = await readFile(new URL("README.md", here), "utf8");
const PROGRAM = fileURLToPath(new URL("../dist/http-service/main.js", import.meta.url));

function blocks(language: string): string[] {
  const pattern = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "gs");
  return [...readme.matchAll(pattern)].map(([, block = ""]) => block);
}

/** Without indentation. */
function flat(code: string): string {
  return code.replace(/^ +/gm, "");
}

test("the README's code is the program's", async () => {
  const names = (await readdir(here)).filter((name) => /(?<!\.test)\.ts$/.test(name));
  const sources = await Promise.all(names.map((name) => readFile(new URL(name, here), "utf8")));
  expect(blocks("ts").length).toBeGreaterThan(0);
  for (const block of blocks("ts")) {
    expect(sources.filter((source) => flat(source).includes(flat(block)))).toHaveLength(1);
  }
});

test("the README and --help name every exit code and option", () => {
  const help = parseArguments(["--help"]);
  if (help.type !== "help") throw new Error("no help");
  for (const code of [0, 1, EXIT_USAGE, 143]) {
    expect(readme).toMatch(new RegExp(`^\\| ${code} +\\|`, "m"));
    expect(help.text).toMatch(new RegExp(`^  ${code} `, "m"));
  }
  const options = [...help.text.matchAll(/^ {2}(--\w+)/gm)].map(([, option]) => option);
  expect(options).toEqual(["--port", "--file", "--deadline", "--stuck"]);
  for (const option of options) expect(readme).toContain(`| \`${option}`);
});

/** Puts one word where runs differ: ports, pids and times. */
function plain(line: string): string {
  return line
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:8080")
    .replaceAll(/<http-service\.\d+>/g, "<pid>")
    .replaceAll(/for \d+ ms by now/g, "for some time by now");
}

/** A run of the program; what is printed or answered is waited for, nothing else. */
class Run {
  readonly #child;
  readonly #closed;
  readonly #seen: string[] = [];
  #look: () => void = () => undefined;
  #isOver = false;

  constructor(args: readonly string[], directory: string) {
    const env = { ...process.env, INIT_CWD: directory };
    this.#child = spawn(process.execPath, [PROGRAM, ...args, "--port", "0"], { env });
    this.#closed = once(this.#child, "close").then(() => {
      this.#isOver = true;
      this.#look();
    });
    for (const input of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input }).on("line", (line) => this.saw(line));
    }
  }

  saw(line: string): void {
    this.#seen.push(line);
    this.#look();
  }

  /** Takes a line that was seen, or will be. */
  async take(expected: string): Promise<string> {
    for (;;) {
      const at = this.#seen.findIndex((line) => plain(line) === plain(expected));
      if (at !== -1) return this.#seen.splice(at, 1)[0] as string;
      if (this.#isOver) throw new Error(`no "${expected}", but:\n${this.#seen.join("\n")}`);
      await new Promise<void>((resolve) => (this.#look = resolve));
    }
  }

  terminate(): void {
    this.#child.kill("SIGTERM");
  }

  async exitCode(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#closed;
  }
}

async function curl(command: string, base: string): Promise<string> {
  const [, method = "GET", path = ""] = /^curl (?:-X (\w+) )?http:\/\/127\.0\.0\.1:8080(\S*)/.exec(command) ?? []; // prettier-ignore
  const answer = await fetch(`${base}${path}`, { method });
  return (await answer.text()).trimEnd();
}

describe("the README's runs", () => {
  let directory: string;
  let run: Run | undefined;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "http-service-readme-"));
  });

  afterEach(async () => {
    await run?.kill();
    await rm(directory, { recursive: true });
  });

  test.each(blocks("console").map((block) => block.trimEnd().split("\n")))(
    "%s does what it says",
    async (...lines) => {
      let base = "";
      for (const line of lines) {
        const [, command] = /^\$ (.*)/.exec(line) ?? [];
        const [, printed] = /^\| (.*)/.exec(line) ?? [];
        const [, code] = /^exit code (\d+)/.exec(line) ?? [];
        const started = /^npm run example -- http-service ?(.*)/.exec(command ?? "");
        if (started !== null) {
          run = new Run((started[1] ?? "").split(" ").filter(Boolean), directory);
        } else if (run === undefined) throw new Error("nothing runs");
        else if (command?.startsWith("curl ") === true) {
          const answered = curl(command, base).then((answer) => run?.saw(answer));
          if (!command.endsWith("&")) await answered;
        } else if (command === "kill -TERM") run.terminate();
        else if (code !== undefined) expect(await run.exitCode()).toBe(Number(code));
        else {
          const taken = await run.take(printed ?? line);
          base = /^listener: (http.*)/.exec(taken)?.[1] ?? base;
        }
      }
    },
  );

  test("are some", () => {
    expect(blocks("console").length).toBeGreaterThanOrEqual(6);
  });
});
