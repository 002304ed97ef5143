/**
 * `npm run fuzz -- --seconds N --seed S`: all known attacks, then N seconds of chance: hostile bytes against everything that reads them. What comes
 * is refused or is what it says; never a crash, a stall, or a change to what all objects inherit from.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import {
  accept,
  Codec,
  DEFAULT_LIMITS,
  dial,
  handshake,
  Inbox,
  negotiateLimits,
  nodeCrypto,
  type HandshakeState,
  type Key,
} from "@coppice/remote/wire";
import {
  Chance,
  head,
  mutated,
  random,
  termAttacks,
  truncations,
  type Case,
} from "./fuzz-cases.js";
import { Besieged } from "./fuzz-node.js";
import { BesiegedPort } from "./fuzz-port.js";
import { RECEIVER, SENDER, toNotation, vectorIdentities } from "./notation.js";

/** Nothing may take longer, in ms. */
const STALL_MS = 50;

/** Of each kind so many failures are printed. */
const MAX_PRINTED = 20;

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "10" }, seed: { type: "string", default: "1" } },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed);
if (!(seconds > 0) || !Number.isSafeInteger(seed)) {
  console.error("Usage: npm run fuzz -- --seconds N --seed S");
  process.exit(1);
}

const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

interface VectorFiles {
  readonly terms: { readonly written: readonly Hex[]; readonly read: readonly Hex[] };
  readonly frames: { readonly signals: readonly Hex[]; readonly frames: readonly Hex[] };
  readonly handshake: { readonly handshakes: readonly Readonly<Record<string, string>>[] };
}

interface Hex {
  readonly name?: string;
  readonly hex: string;
}

function vectorFile<K extends keyof VectorFiles>(name: K): VectorFiles[K] {
  const folder = join(dirname(fileURLToPath(import.meta.url)), "../../vectors");
  return JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as VectorFiles[K];
}

const caseOf = ({ name = "a vector", hex }: Hex): Case => ({ name, bytes: unhex(hex) });
const terms = vectorFile("terms");
const termCorpus = [...terms.written, ...terms.read].map(caseOf);
const frameCorpus = vectorFile("frames").frames.map(caseOf);
const signalCorpus = vectorFile("frames").signals.map(caseOf);
const messages = vectorFile("handshake").handshakes.flatMap(
  ({ hello = "", challenge = "", proof = "", accept = "" }) => [hello, challenge, proof, accept],
);
const handshakeCorpus = messages.map((hex) => caseOf({ name: "a message of the handshake", hex }));

const codec = new Codec({ identities: vectorIdentities(RECEIVER, SENDER), limits: DEFAULT_LIMITS });
const back = new Codec({ identities: vectorIdentities(SENDER, RECEIVER), limits: DEFAULT_LIMITS });
const negotiated = negotiateLimits(DEFAULT_LIMITS, DEFAULT_LIMITS);

/** Reads a term; gives what to check of what came. */
function readTerm(bytes: Uint8Array): () => void {
  const term = codec.decode(bytes);
  return () => {
    // What another reader makes of what this one writes; pids nobody here can write.
    const notation = JSON.stringify(toNotation(term));
    if (notation.length > 10_000 || /"\$":"(pid|ref)"/.test(notation)) return;
    const again = JSON.stringify(toNotation(back.decode(back.encode(term))));
    if (again !== notation) throw new Error(`${notation} became ${again}`);
  };
}

function readFrame(bytes: Uint8Array): () => void {
  const { signals } = new Inbox(DEFAULT_LIMITS, negotiated).accept(bytes, 300);
  for (const { signal } of signals) {
    if (!("payload" in signal)) continue;
    try {
      codec.decode(signal.payload);
    } catch (error) {
      // It costs that one message.
      if (!isRefusal(error)) throw error;
    }
  }
  return nothing;
}

function nothing(): void {}

const key: Key = { id: "main", role: "node", bytes: new Uint8Array(32).fill(7) };
const common = { cluster: "test", limits: DEFAULT_LIMITS, hearMs: 20_000, crypto: nodeCrypto };
const states = handshakeStates();

/** Each state in which a handshake waits for bytes. */
function handshakeStates(): HandshakeState[] {
  const [hello = "", challenge = ""] = messages;
  const dialled = dial({ ...common, home: SENDER, key, nonce: new Uint8Array(32).fill(0xd0) });
  const waiting = accept({
    ...common,
    home: RECEIVER,
    keys: [key],
    nonce: new Uint8Array(32).fill(0xa0),
  });
  const challenged = handshake(waiting, { type: "frame", bytes: unhex(hello) });
  const proved = handshake(dialled.state, { type: "frame", bytes: unhex(challenge) });
  return [waiting, dialled.state, challenged.state, proved.state];
}

/** Nobody who does not know the key gets in, or as far as being let in. */
function readHandshake(bytes: Uint8Array): () => void {
  for (const state of states) {
    for (const { type } of handshake(state, { type: "frame", bytes }).effects) {
      if (type === "open" || type === "authenticated") throw new Error(`without a key: ${type}`);
    }
  }
  return nothing;
}

function isRefusal(error: unknown): boolean {
  return (error as Error).name === "MalformedError";
}

const besieged = await Besieged.begin();
const port = await BesiegedPort.begin();

/** A frame of a session with a live node; how it takes it shows in `besieged.check`. */
function readByNode(bytes: Uint8Array): () => void {
  besieged.say(bytes);
  return nothing;
}

const targets = {
  term: readTerm,
  frame: readFrame,
  handshake: readHandshake,
  node: readByNode,
};
type Target = keyof typeof targets;

let passed = 0;
let failed = 0;

function run(target: Target, { name, bytes }: Case): void {
  const trouble = troubleOf(target, bytes);
  if (trouble === undefined) {
    passed++;
    return;
  }
  failed++;
  if (failed > MAX_PRINTED) return;
  const hex = Buffer.from(bytes.subarray(0, 200)).toString("hex");
  console.log(`FAILED ${target}: ${name}: ${trouble}\n  ${hex}${bytes.length > 200 ? "…" : ""}`);
}

/** What is wrong with what the target does with the bytes. */
function troubleOf(target: Target, bytes: Uint8Array): string | undefined {
  const read = targets[target];
  for (let attempt = 0; attempt < 5; attempt++) {
    const startMs = performance.now();
    const start = process.cpuUsage();
    let check = nothing;
    try {
      check = read(bytes);
    } catch (error) {
      if (!isRefusal(error)) return (error as Error).stack ?? String(error);
    }
    const { user, system } = process.cpuUsage(start);
    // On a busy machine time passes without this program.
    const tookMs = Math.min(performance.now() - startMs, (user + system) / 1000);
    const changed = changedPrototype();
    if (changed !== undefined) return `${changed}.prototype has changed`;
    try {
      check();
    } catch (error) {
      return (error as Error).stack ?? String(error);
    }
    if (tookMs <= STALL_MS) return undefined;
    // A collection of garbage does not come five times.
    if (attempt === 4) return `took ${Math.round(tookMs)} ms`;
  }
  return undefined;
}

const prototypes = { Object, Array, Map, Set, Error, Function, String, Number, Date, Uint8Array };
const propertiesOf = (value: object): string => Reflect.ownKeys(value).map(String).join();
const properties = Object.entries(prototypes).map(
  ([name, { prototype }]) =>
    [name, prototype as object, propertiesOf(prototype as object)] as const,
);

function changedPrototype(): string | undefined {
  return properties.find(([, prototype, before]) => propertiesOf(prototype) !== before)?.[0];
}

let attacks = 0;
for (const attack of termAttacks()) {
  run("term", attack);
  // In a frame it is a payload, which is read by the same reader: some will do.
  if (++attacks % 50 !== 0 || attack.bytes.length > 1000) continue;
  const frame = [unhex("8301008184010703"), head(2, attack.bytes.length), attack.bytes];
  run("frame", { name: attack.name, bytes: new Uint8Array(Buffer.concat(frame)) });
}
for (const origin of termCorpus)
  for (const cut of truncations(origin.name, origin.bytes)) run("term", cut);
for (const origin of frameCorpus)
  for (const cut of truncations(origin.name, origin.bytes)) run("frame", cut);
for (const origin of handshakeCorpus) {
  for (const cut of truncations(origin.name, origin.bytes)) run("handshake", cut);
}
console.log(`${passed + failed} known attacks`);

const chance = new Chance(seed);
const endMs = performance.now() + seconds * 1000;
while (performance.now() < endMs) {
  for (let round = 0; round < 200; round++) {
    run("term", mutated(chance, termCorpus));
    run("frame", mutated(chance, frameCorpus));
    run("node", besieged.attack(chance, signalCorpus, termCorpus));
    if (round % 50 === 0) port.attack(chance);
    if (round % 8 === 0) run("handshake", mutated(chance, handshakeCorpus));
    if (round % 8 === 1) run(chance.of(["term", "frame", "handshake"] as const), random(chance));
  }
  // The node and its process live.
  await holds("node", () => besieged.check());
}
await besieged.end();
await holds("port", () => port.end());
console.log(
  `${besieged.sessions} sessions with a live node, ${port.connections} connections to its port`,
);

async function holds(what: string, check: () => Promise<void>): Promise<void> {
  try {
    await check();
    passed++;
  } catch (error) {
    failed++;
    console.log(`FAILED ${what}: ${String(error)}`);
  }
}

console.log(`seed ${seed}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
