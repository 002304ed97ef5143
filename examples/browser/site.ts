/** The site: the page, its code in one file, and what it needs to connect. */
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { PageConfig } from "./names.js";

/** Nothing from elsewhere, and no code from strings: remoting needs neither. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self' ws://127.0.0.1:*";

const HTML = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>A process, watched</title>
<style>body { font: 1rem/1.5 system-ui; margin: 2rem } ol { font-family: monospace }</style>
<h1>A process, watched</h1>
<p>The counter of the server is <strong id="state">not known yet</strong>: <output id="count">–</output>.</p>
<p>The vault of the server: <span id="vault">not known yet</span>.</p>
<button id="crash">Crash it</button>
<ol id="log"></ol>
<script type="module" src="/page.js"></script>
</html>
`;

/** All modules of the page in one file. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("./page.js", import.meta.url))],
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}

export interface Site {
  readonly port: number;
  close(): void;
}

/** Serves the page to this machine. @param config asked when the page is */
export async function startSite(port: number, config: () => PageConfig): Promise<Site> {
  const code = await bundle();
  const answers: Readonly<Record<string, () => readonly [type: string, body: string]>> = {
    "/": () => ["text/html; charset=utf-8", HTML],
    "/page.js": () => ["text/javascript; charset=utf-8", code],
    "/config.json": () => ["application/json", JSON.stringify(config())],
  };
  const server: Server = createServer(({ url = "/" }, response) => {
    const answer = Object.hasOwn(answers, url) ? answers[url] : undefined;
    if (answer === undefined) {
      response.writeHead(404).end();
      return;
    }
    const [type, body] = answer();
    response.writeHead(200, { "content-type": type, "content-security-policy": POLICY }).end(body);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
