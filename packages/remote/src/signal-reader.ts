/**
 * Bytes to signals: each has to have exactly the form of its op. Payloads are views, not yet looked into.
 */
import { CborReader, MalformedError, type KnownTexts } from "./cbor-reader.js";
import { ARRAY, MAP, NULL, TAG } from "./cbor-writer.js";
import { MOST_LABEL_BYTES } from "./label.js";
import type { Limits } from "./limits.js";
import {
  FIRST_OPTIONAL_OP,
  OP_CODES,
  type WireOp,
  type WireSignal,
  type WireSpawnOptions,
} from "./wire-signal.js";

export type SignalLimits = Pick<Limits, "maxNameBytes" | "maxDepth" | "maxItems">;

/** The one signal in these bytes, as they come out of fragments. `undefined`: one that may be ignored. @throws MalformedError */
export function parseSignal(bytes: Uint8Array, limits: SignalLimits): WireSignal | undefined {
  const reader = new CborReader(bytes);
  const signal = readSignal(reader, limits);
  reader.finish();
  return signal;
}

/**
 * A signal of which only the first bytes are there, its payload left out; no term has no bytes, so it is
 * one that cannot be read. `undefined` for one that has no payload, or may be ignored.
 *
 * @throws MalformedError
 */
export function parseHead(head: Uint8Array, limits: SignalLimits): WireSignal | undefined {
  const reader = new HeadReader(head);
  const signal = readSignal(reader, limits);
  return signal !== undefined && "payload" in signal ? signal : undefined;
}

/** Reads up to the payload, and nothing of it or behind it. */
class HeadReader extends CborReader {
  override byteString(): Uint8Array {
    return new Uint8Array(0);
  }
}

/** How many elements the array of an op has, the op included. */
const LENGTHS: { readonly [O in WireOp]: number } = {
  send: 4,
  "send-name": 4,
  "send-alias": 4,
  refuse: 4,
  link: 3,
  unlink: 4,
  "unlink-ack": 4,
  "link-exit": 4,
  exit: 4,
  monitor: 4,
  demonitor: 2,
  down: 5,
  spawn: 6,
  "spawn-reply": 5,
  ping: 2,
  pong: 2,
  credit: 3,
  goaway: 3,
  frag: 4,
};

/** By their numbers. */
const OPS: readonly (WireOp | undefined)[] = Array.from({ length: FIRST_OPTIONAL_OP }, (_, code) =>
  (Object.keys(OP_CODES) as WireOp[]).find((op) => OP_CODES[op] === code),
);
const LENGTHS_BY_CODE: readonly number[] = OPS.map((op) => (op === undefined ? 0 : LENGTHS[op]));

/**
 * The next signal; `undefined` for one whose op is not known and may be ignored.
 *
 * @param names that came before: to compare bytes costs less than to make a text of them
 * @throws MalformedError
 */
export function readSignal(
  reader: CborReader,
  limits: SignalLimits,
  names?: KnownTexts,
): WireSignal | undefined {
  const length = reader.arrayHead();
  if (length === 0) throw new MalformedError("a signal without an op");
  const code = reader.unsigned();
  const op = code < FIRST_OPTIONAL_OP ? OPS[code] : undefined;
  if (op === undefined) {
    if (code < FIRST_OPTIONAL_OP) throw new MalformedError(`the unknown op ${code}`);
    const budget = { items: limits.maxItems };
    for (let i = 1; i < length; i++) skip(reader, limits.maxDepth, budget);
    return undefined;
  }
  if (length !== LENGTHS_BY_CODE[code]) throw new MalformedError(`a ${op} of ${length} elements`);
  switch (op) {
    case "send":
      return { op, to: reader.unsigned(), from: reader.unsigned(), payload: reader.byteString() };
    case "send-name":
      return {
        op,
        name: readName(reader, limits, names),
        from: reader.unsigned(),
        payload: reader.byteString(),
      };
    case "send-alias":
    case "refuse":
      return { op, ref: reader.unsigned(), from: reader.unsigned(), payload: reader.byteString() };
    case "link":
      return { op, from: reader.unsigned(), to: reader.unsigned() };
    case "unlink":
    case "unlink-ack":
      return { op, id: reader.unsigned(), from: reader.unsigned(), to: reader.unsigned() };
    case "link-exit":
    case "exit":
      return { op, from: reader.unsigned(), to: reader.unsigned(), payload: reader.byteString() };
    case "monitor":
      return {
        op,
        ref: reader.unsigned(),
        from: reader.unsigned(),
        target: readTarget(reader, limits, names),
      };
    case "demonitor":
      return { op, ref: reader.unsigned() };
    case "down":
      return {
        op,
        ref: reader.unsigned(),
        to: reader.unsigned(),
        target: readTarget(reader, limits, names),
        payload: reader.byteString(),
      };
    case "spawn":
      return {
        op,
        request: reader.unsigned(),
        from: reader.unsigned(),
        name: readName(reader, limits, names),
        payload: reader.byteString(),
        options: reader instanceof HeadReader ? {} : readSpawnOptions(reader),
      };
    case "spawn-reply":
      return {
        op,
        request: reader.unsigned(),
        to: reader.unsigned(),
        pid: reader.skipIf(NULL) ? null : reader.unsigned(),
        payload: reader.byteString(),
      };
    case "ping":
    case "pong":
      return { op, n: reader.unsigned() };
    case "credit":
      return { op, bytes: reader.unsigned(), signals: reader.unsigned() };
    case "goaway":
      return { op, code: reader.unsigned(), text: readName(reader, limits, names) };
    case "frag":
      return { op, stream: reader.unsigned(), last: reader.boolean(), bytes: reader.byteString() };
    default:
      return op satisfies never;
  }
}

function readName(
  reader: CborReader,
  { maxNameBytes }: SignalLimits,
  names: KnownTexts | undefined,
): string {
  return reader.text(maxNameBytes, "maxNameBytes", names);
}

function readTarget(
  reader: CborReader,
  limits: SignalLimits,
  names: KnownTexts | undefined,
): number | string {
  return reader.peekMajor() === 3 ? readName(reader, limits, names) : reader.unsigned();
}

function readSpawnOptions(reader: CborReader): WireSpawnOptions {
  const initial = reader.initial();
  if (initial >> 5 !== 5) throw new MalformedError("a spawn without options");
  const count = reader.argument(initial);
  const options: { -readonly [O in keyof WireSpawnOptions]: WireSpawnOptions[O] } = {};
  for (let i = 0; i < count; i++) {
    const key = reader.text(32, "maxNameBytes");
    if (Object.hasOwn(options, key)) throw new MalformedError("a spawn option that is there twice");
    switch (key) {
      case "link":
        options.link = reader.boolean();
        break;
      case "monitor":
      case "startTimeoutMs":
        options[key] = reader.unsigned();
        break;
      case "label":
        options.label = reader.text(MOST_LABEL_BYTES, "maxNameBytes");
        break;
      case "unwindMs":
        options.unwindMs = reader.skipIf(NULL) ? null : reader.unsigned();
        break;
      default:
        throw new MalformedError("a spawn option that is not known");
    }
  }
  return options;
}

/** Passes over one item of whatever kind. */
function skip(reader: CborReader, depth: number, budget: { items: number }): void {
  if (--budget.items < 0) throw new MalformedError("too many items", "maxItems");
  if (depth < 0) throw new MalformedError("nested too deeply", "maxDepth");
  const initial = reader.initial();
  const major = initial & 0xe0;
  if (major === 0x40 || major === 0x60) {
    const length = reader.length(initial);
    if (major === 0x60) reader.textOf(length);
    else reader.view8(length);
    return;
  }
  const argument = reader.argument(initial);
  const items = major === ARRAY ? argument : major === MAP ? 2 * argument : major === TAG ? 1 : 0;
  if (items > reader.left) throw new MalformedError("a count beyond the end");
  for (let i = 0; i < items; i++) skip(reader, depth - 1, budget);
}
