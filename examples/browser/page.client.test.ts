import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { chromium, type Browser, type Page } from "playwright-core";

/** What `npm run example -- browser` runs; `npm run clients` builds it first. */
const PROGRAM = fileURLToPath(new URL("../dist/browser/main.js", import.meta.url));

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The program, running; what it has printed. */
function startProgram(): {
  readonly child: ChildProcess;
  readonly lines: string[];
  line(start: string): Promise<string>;
} {
  const child = spawn(process.execPath, [PROGRAM, "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  const waiting: { readonly start: string; readonly found: (line: string) => void }[] = [];
  createInterface({ input: child.stdout as NonNullable<typeof child.stdout> }).on(
    "line",
    (line) => {
      lines.push(line);
      for (const { start, found } of waiting) if (line.startsWith(start)) found(line);
    },
  );
  const line = (start: string): Promise<string> =>
    new Promise((resolve) => {
      const printed = lines.find((one) => one.startsWith(start));
      if (printed === undefined) waiting.push({ start, found: resolve });
      else resolve(printed);
    });
  return { child, lines, line };
}

/** Waits until the log of the page has so many lines, and gives them. */
async function logOf(page: Page, count: number): Promise<string[]> {
  const items = page.locator("#log li");
  await items.nth(count - 1).waitFor({ timeout: 30_000 });
  return items.allTextContents();
}

/** Where a Chromium is: `npm run clients`, which runs this file, finds one. */
const executablePath = process.env["CHROMIUM_PATH"] ?? "";

test("a page watches a process of the server, and sees it crash and start again", async () => {
  const program = startProgram();
  let browser: Browser | undefined;
  try {
    const url = (await program.line("open ")).slice("open ".length);
    browser = await chromium.launch({ executablePath, args: ARGS });
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => {
      // Which no page has; nobody asked for it.
      if (message.type() === "error" && !message.location().url.endsWith("/favicon.ico")) {
        problems.push(message.text());
      }
    });
    await page.goto(url);
    const [first = ""] = await logOf(page, 1);
    expect(first).toMatch(/^alive: <server\.\d+>$/);
    await page.locator("#vault", { hasText: "NoProcessError" }).waitFor();

    await page.locator("#crash").click();
    const [, ended, second = ""] = await logOf(page, 3);
    expect(ended).toBe("ended: Error: as ordered");
    expect(second).toMatch(/^alive: <server\.\d+>$/);
    expect(second).not.toBe(first);
    await page.locator("#state", { hasText: "alive" }).waitFor();
    // A new life counts from the beginning.
    expect(Number(await page.locator("#count").textContent())).toBeLessThan(100);
    expect(await program.line("denied to page-")).toContain('the name "vault"');
    expect(problems).toEqual([]);

    // A page that goes away is gone for the server, too.
    await page.close();
    await program.line("down: page-");

    // And when the server goes, the page is told.
    const other = await browser.newPage();
    await other.goto(url);
    await logOf(other, 1);
    program.child.kill("SIGKILL");
    expect((await logOf(other, 2))[1]).toBe("ended: noconnection");
  } finally {
    await browser?.close();
    program.child.kill("SIGKILL");
  }
});
