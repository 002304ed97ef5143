/**
 * `npm run vectors`: writes the test vectors of the wire, for whoever speaks it in another language.
 * What they hold is said in docs/wire.md.
 */
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import {
  accept,
  Codec,
  DEFAULT_LIMITS,
  deriveKey,
  dial,
  encodeSignal,
  FrameMac,
  FrameWriter,
  handshake,
  nodeCrypto,
  OP_CODES,
  RemoteError,
  type HandshakeStep,
  type WireOp,
  type WireSignal,
} from "@coppice/remote/wire";
import { fromNotation, RECEIVER, SENDER, toNotation, vectorIdentities } from "./notation.js";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const unhex = (text: string): Uint8Array =>
  new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));

const sender = new Codec({
  identities: vectorIdentities(SENDER, RECEIVER),
  limits: DEFAULT_LIMITS,
});
const receiver = new Codec({
  identities: vectorIdentities(RECEIVER, SENDER),
  limits: DEFAULT_LIMITS,
});

/** Terms that are written in exactly these bytes. */
const written: Readonly<Record<string, Parameters<typeof fromNotation>[0]>> = {
  zero: 0,
  "one byte": 24,
  "two bytes": 1000,
  "2^32": 4_294_967_296,
  "greatest integer": Number.MAX_SAFE_INTEGER,
  "least integer": Number.MIN_SAFE_INTEGER,
  "minus one": -1,
  "minus zero is a float": { $: "float", value: "-0" },
  fraction: { $: "float", value: "1.1" },
  "2^53 is a float": { $: "float", value: "9007199254740992" },
  infinity: { $: "float", value: "-Infinity" },
  "not a number": { $: "float", value: "NaN" },
  "bigint, small": { $: "bigint", value: "1" },
  "bigint, zero": { $: "bigint", value: "0" },
  "bigint, negative": { $: "bigint", value: "-18446744073709551617" },
  "text, empty": "",
  "text, one to four bytes a letter": "aé€😀",
  "text, long": "x".repeat(300),
  true: true,
  false: false,
  null: null,
  undefined: { $: "undefined" },
  array: [1, "two", [3, []]],
  record: { type: "ping", n: 1, nested: { empty: {} } },
  map: {
    $: "map",
    entries: [
      [1, "one"],
      ["k", { $: "bigint", value: "2" }],
    ],
  },
  set: { $: "set", elements: [1, "two"] },
  "date, whole seconds": { $: "date", ms: 1_700_000_000_000 },
  "date, milliseconds": { $: "date", ms: 1_700_000_000_123 },
  "date, before 1970": { $: "date", ms: -1500 },
  bytes: { $: "bytes", hex: "00ff7f" },
  "typed array": { $: "typed-array", type: "Uint16Array", elements: [1, 258] },
  "typed array of floats": { $: "typed-array", type: "Float64Array", elements: [1.5] },
  error: {
    $: "error",
    name: "TypeError",
    message: "no",
    code: "E_NO",
    stack: "TypeError: no\n    at x",
    cause: { why: [1] },
  },
  name: { $: "name", name: "calc" },
  "name at a node": { $: "remote-name", node: "c", name: "calc" },
};

/** Bytes that a reader takes, though this writer would not write them so, or needs nodes to do so. */
const read: Readonly<Record<string, string>> = {
  "pid of the sender": "d99fc4 07",
  "pid of the receiver": "d99fc4 81 07",
  "pid of another node": "d99fc4 83 6163 1821 07",
  "reference of the sender": "d99fc5 82 07 09",
  "reference of the receiver": "d99fc5 82 8107 09",
  "half float": "f93e00",
  "single float": "fa3fc00000",
  "long head": "1b0000000000000001",
  "integer from 2^53 on is a bigint": "1b0020000000000000",
  "big-endian typed array": "d841 44 00010102",
  "tagged bytes": "d840 42 0102",
};

/** Bytes that every reader refuses. */
const refused: Readonly<Record<string, string>> = {
  nothing: "",
  "two terms": "00 00",
  "indefinite array": "9f01ff",
  "indefinite text": "7f6161ff",
  "a length that lies": "9a06b00000",
  "a nested length that lies": "81 9bffffffffffffffff",
  "invalid UTF-8": "62c328",
  "a surrogate as UTF-8": "63eda080",
  "a tag that is not allowed": "d81c80",
  "a regular expression": "d81b82 66526567457870 6161",
  "a bigint of more than 1024 bits": `c2 5881 ${"ff".repeat(129)}`,
  "65 levels": `${"81".repeat(65)}00`,
  "a key twice": "a2 616101 616102",
  "a key that is no text": "a10102",
  "the key __proto__": "a1 695f5f70726f746f5f5f 00",
  "an element of a set twice": "d90102 820101",
  "a simple value without a meaning": "f0",
  "a typed array of a broken length": "d845 43 000102",
};

function terms(): unknown {
  return {
    about:
      "Terms, as the payload of a signal from node a, incarnation 11, to node b, incarnation 22.",
    written: Object.entries(written).map(([name, term]) => ({
      name,
      hex: hex(sender.encode(fromNotation(term))),
      term,
    })),
    read: Object.entries(read).map(([name, bytes]) => ({
      name,
      hex: hex(unhex(bytes)),
      term: toNotation(receiver.decode(unhex(bytes))),
    })),
    refused: Object.entries(refused).map(([name, bytes]) => ({ name, hex: hex(unhex(bytes)) })),
  };
}

const payload = sender.encode({ a: 1 });

const signals: { readonly [O in WireOp]: Extract<WireSignal, { op: O }> } = {
  send: { op: "send", to: 7, from: 3, payload },
  "send-name": { op: "send-name", name: "calc", from: 3, payload },
  "send-alias": { op: "send-alias", ref: 9, from: 3, payload },
  refuse: { op: "refuse", ref: 9, from: 3, payload: sender.encode(new RemoteError("E", "no")) },
  link: { op: "link", from: 3, to: 7 },
  unlink: { op: "unlink", id: 1, from: 3, to: 7 },
  "unlink-ack": { op: "unlink-ack", id: 1, from: 7, to: 3 },
  "link-exit": { op: "link-exit", from: 3, to: 7, payload },
  exit: { op: "exit", from: 3, to: 7, payload },
  monitor: { op: "monitor", ref: 300, from: 3, target: "calc" },
  demonitor: { op: "demonitor", ref: 300 },
  down: { op: "down", ref: 300, to: 3, target: 7, payload },
  spawn: {
    op: "spawn",
    request: 1,
    from: 3,
    name: "worker",
    payload: sender.encode([1, 2]),
    options: { link: true, monitor: 8, startTimeoutMs: 5000, label: "w1", unwindMs: null },
  },
  "spawn-reply": { op: "spawn-reply", request: 1, to: 3, pid: 12, payload: sender.encode(null) },
  ping: { op: "ping", n: 1 },
  pong: { op: "pong", n: 1 },
  credit: { op: "credit", bytes: 1_048_576, signals: 4096 },
  goaway: { op: "goaway", code: 4000, text: "stopping" },
  frag: { op: "frag", stream: 1, last: true, bytes: payload },
};

function frames(): unknown {
  const notation = (signal: WireSignal): unknown =>
    JSON.parse(
      JSON.stringify(signal, (_key, part: unknown) =>
        part instanceof Uint8Array ? hex(part) : part,
      ),
    );
  const ops = Object.keys(OP_CODES) as WireOp[];
  const writer = new FrameWriter(sender);
  for (const op of ops) writer.addEncoded(encodeSignal(signals[op]));
  const first = writer.finish(0);
  writer.add({ op: "send", to: 7, from: 3, payload: "hi" });
  return {
    about:
      "Signals, payloads as hex of their CBOR; then two frames of one session in one direction.",
    signals: ops.map((op) => ({
      code: OP_CODES[op],
      hex: hex(encodeSignal(signals[op])),
      signal: notation(signals[op]),
    })),
    frames: [
      { seq: 1, ack: 0, ops, hex: hex(first) },
      { seq: 2, ack: 300, ops: ["send"], hex: hex(writer.finish(300)) },
    ],
    refused: [
      { name: "an unknown op below 64", hex: "8301008182 183f 00".replaceAll(" ", "") },
      { name: "an element too many", hex: "83010081840403070 0".replaceAll(" ", "") },
      { name: "something behind the frame", hex: "8301008000" },
    ],
    ignored: { name: "an op from 64 on", hex: "83010081821903ff80" },
  };
}

function bytesOf(step: HandshakeStep): Uint8Array {
  const effect = step.effects.find(({ type }) => type === "send");
  if (effect?.type !== "send") throw new Error(`nothing was sent: ${JSON.stringify(step.effects)}`);
  return effect.bytes;
}

async function handshakes(): Promise<unknown> {
  const cookie = "correct horse battery staple";
  const cluster = "test";
  const key = {
    id: "main",
    role: "node",
    bytes: await deriveKey(nodeCrypto, cookie, cluster),
  } as const;
  const nonceD = new Uint8Array(32).fill(0xd0);
  const nonceA = new Uint8Array(32).fill(0xa0);
  const vector = (channelBinding?: Uint8Array, frameMac = false): unknown => {
    const common = {
      cluster,
      limits: DEFAULT_LIMITS,
      hearMs: 20_000,
      crypto: nodeCrypto,
      channelBinding,
      frameMac,
    };
    const dialled = dial({ ...common, home: SENDER, key, nonce: nonceD });
    const hello = bytesOf(dialled);
    const waiting = accept({ ...common, home: RECEIVER, keys: [key], nonce: nonceA });
    const challenged = handshake(waiting, { type: "frame", bytes: hello });
    const challenge = bytesOf(challenged);
    const proved = handshake(dialled.state, { type: "frame", bytes: challenge });
    const proof = bytesOf(proved);
    const verified = handshake(challenged.state, { type: "frame", bytes: proof });
    const admitted = handshake(verified.state, { type: "admit" });
    const opened = admitted.effects.find((effect) => effect.type === "open");
    const keys = opened?.type === "open" ? opened.result.frameKeys : undefined;
    return {
      auth: channelBinding === undefined ? "psk" : "psk-tls",
      ...(channelBinding !== undefined && { channelBinding: hex(channelBinding) }),
      hello: hex(hello),
      challenge: hex(challenge),
      proof: hex(proof),
      accept: hex(bytesOf(admitted)),
      ...(keys && {
        frameKeys: { dialler: hex(keys.receive), acceptor: hex(keys.send) },
        // The first frame of the acceptor, without a signal.
        sealed: hex(new FrameMac(keys, nodeCrypto).seal(unhex("83010080"))),
      }),
    };
  };
  return {
    about:
      "The four messages of a handshake with fixed nonces: without and with a TLS binding, and with frames that are proved.",
    cookie,
    cluster,
    keyId: key.id,
    key: hex(key.bytes),
    dialler: { ...SENDER, nonce: hex(nonceD), hearMs: 20_000, role: "node" },
    acceptor: { ...RECEIVER, nonce: hex(nonceA), hearMs: 20_000 },
    handshakes: [vector(), vector(new Uint8Array(32).fill(0x71)), vector(undefined, true)],
  };
}

const folder = join(dirname(fileURLToPath(import.meta.url)), "../../vectors");
const files = { terms: terms(), frames: frames(), handshake: await handshakes() };
for (const [name, content] of Object.entries(files)) {
  const path = join(folder, `${name}.json`);
  const options = await resolveConfig(path);
  writeFileSync(
    path,
    await format(JSON.stringify(content, undefined, 2), { ...options, parser: "json" }),
  );
  console.log(`vectors/${name}.json`);
}
