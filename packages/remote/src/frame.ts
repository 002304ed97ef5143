/**
 * Frames: what is sent as one message of the transport. A frame is `[seq, ack, [signal, …]]`, a batch of
 * the signals of one turn.
 */
import {
  ARRAY,
  CborWriter,
  FALSE,
  LoneSurrogateError,
  MAP,
  NULL,
  TAG,
  TRUE,
  utf8Length,
} from "./cbor-writer.js";
import { CborReader, MalformedError } from "./cbor-reader.js";
import type { Codec } from "./codec.js";
import type { LimitName, Limits } from "./limits.js";
import { UnsendableTermError } from "./term.js";
import {
  FIRST_OPTIONAL_OP,
  OP_CODES,
  type WireOp,
  type WireSignal,
  type WireSpawnOptions,
} from "./wire-signal.js";

/** The most a frame can hold: its count stands in two bytes. */
export const MAX_SIGNALS_PER_FRAME = 0xffff;

/** In front of the signals: head, `seq`, `ack`, and the head of the signals, whose width is fixed. */
const FRAME_HEAD_BYTES = 1 + 9 + 9 + 3;

const SLAB_BYTES = 64 * 1024;

/** So much of a slab must be left for another frame to begin in it. */
const MIN_ROOM = 2 * 1024;

/**
 * Builds frames, one after the other. Terms are encoded straight into the frame when they are sent.
 *
 * A frame that was taken is never changed afterwards, however long it waits in a transport.
 */
export class FrameWriter {
  readonly #codec: Codec;
  readonly #writer: CborWriter;
  #seq = 0;
  #signals = 0;
  #writing = false;

  constructor(codec: Codec) {
    this.#codec = codec;
    // A signal that is too big for one frame is written whole before it is taken out again.
    this.#writer = new CborWriter(SLAB_BYTES, codec.limits.maxMessageBytes + SLAB_BYTES);
    this.#writer.begin(FRAME_HEAD_BYTES, MIN_ROOM);
  }

  /** How many signals the frame under way holds. */
  get signals(): number {
    return this.#signals;
  }

  /** How long the frame under way is. */
  get bytes(): number {
    return this.#writer.end - this.#writer.start;
  }

  /** A signal is being written: what a getter in its term sends has to wait. */
  get writing(): boolean {
    return this.#writing;
  }

  /**
   * Adds a signal, whose payload is a term that is encoded now.
   *
   * @returns how many bytes it takes
   * @throws UnsendableTermError the frame is as it was before
   */
  add(signal: WireSignal<unknown>): number {
    const writer = this.#writer;
    const before = writer.end - writer.start;
    this.#writing = true;
    try {
      writeSignal(writer, signal, this.#codec);
    } catch (error) {
      writer.end = writer.start + before;
      throw error;
    } finally {
      this.#writing = false;
    }
    this.#signals++;
    return writer.end - writer.start - before;
  }

  /** Adds a signal that was encoded before. */
  addEncoded(signal: Uint8Array): void {
    this.#writer.raw(signal);
    this.#signals++;
  }

  /** Takes the last signal, of that many bytes, out of the frame again: a copy of it. */
  takeBack(bytes: number): Uint8Array {
    const writer = this.#writer;
    const signal = new Uint8Array(writer.bytes.subarray(writer.end - bytes, writer.end));
    writer.end -= bytes;
    this.#signals--;
    return signal;
  }

  /**
   * Ends the frame under way and begins the next.
   *
   * @param ack the number of the peer's last frame that was dispatched
   */
  finish(ack: number): Uint8Array {
    const writer = this.#writer;
    const from = writer.start + FRAME_HEAD_BYTES;
    let at = from - 3;
    writer.bytes[at] = ARRAY | 25;
    writer.bytes[at + 1] = this.#signals >> 8;
    writer.bytes[at + 2] = this.#signals & 0xff;
    at = writer.headBefore(at, 0, ack);
    at = writer.headBefore(at, 0, ++this.#seq);
    writer.start = at - 1;
    writer.bytes[at - 1] = ARRAY | 3;
    const frame = writer.cut();
    this.#signals = 0;
    writer.begin(FRAME_HEAD_BYTES, MIN_ROOM);
    return frame;
  }
}

/**
 * The bytes of one signal. Without a codec its payload is encoded already, or is none.
 *
 * @throws UnsendableTermError
 */
export function encodeSignal(signal: WireSignal): Uint8Array;
export function encodeSignal(signal: WireSignal<unknown>, codec: Codec): Uint8Array;
export function encodeSignal(signal: WireSignal<unknown>, codec?: Codec): Uint8Array {
  const max =
    codec === undefined ? Number.MAX_SAFE_INTEGER : codec.limits.maxMessageBytes + SLAB_BYTES;
  const writer = new CborWriter(256, max);
  writer.begin(0, 0);
  writeSignal(writer, signal, codec);
  return writer.cut();
}

/** With a codec the payload is a term, or bytes that it has encoded; without, it is bytes. */
function writeSignal(
  writer: CborWriter,
  signal: WireSignal<unknown>,
  codec: Codec | undefined,
): void {
  const code = OP_CODES[signal.op];
  switch (signal.op) {
    case "send":
      open(writer, code, 4);
      writer.integer(signal.to);
      writer.integer(signal.from);
      payload(writer, signal.payload, codec, "message");
      return;
    case "send-name":
      open(writer, code, 4);
      name(writer, signal.name, codec);
      writer.integer(signal.from);
      payload(writer, signal.payload, codec, "message");
      return;
    case "send-alias":
    case "refuse":
      open(writer, code, 4);
      writer.integer(signal.ref);
      writer.integer(signal.from);
      payload(writer, signal.payload, codec, "message");
      return;
    case "link":
      open(writer, code, 3);
      writer.integer(signal.from);
      writer.integer(signal.to);
      return;
    case "unlink":
    case "unlink-ack":
      open(writer, code, 4);
      writer.integer(signal.id);
      writer.integer(signal.from);
      writer.integer(signal.to);
      return;
    case "link-exit":
    case "exit":
      open(writer, code, 4);
      writer.integer(signal.from);
      writer.integer(signal.to);
      reason(writer, signal.payload, codec);
      return;
    case "monitor":
      open(writer, code, 4);
      writer.integer(signal.ref);
      writer.integer(signal.from);
      target(writer, signal.target, codec);
      return;
    case "demonitor":
      open(writer, code, 2);
      writer.integer(signal.ref);
      return;
    case "down":
      open(writer, code, 5);
      writer.integer(signal.ref);
      writer.integer(signal.to);
      target(writer, signal.target, codec);
      reason(writer, signal.payload, codec);
      return;
    case "spawn":
      open(writer, code, 6);
      writer.integer(signal.request);
      writer.integer(signal.from);
      name(writer, signal.name, codec);
      payload(writer, signal.payload, codec, "args");
      spawnOptions(writer, signal.options);
      return;
    case "spawn-reply":
      open(writer, code, 5);
      writer.integer(signal.request);
      writer.integer(signal.to);
      if (signal.pid === null) writer.byte(NULL);
      else writer.integer(signal.pid);
      reason(writer, signal.payload, codec);
      return;
    case "ping":
    case "pong":
      open(writer, code, 2);
      writer.integer(signal.n);
      return;
    case "credit":
      open(writer, code, 3);
      writer.integer(signal.bytes);
      writer.integer(signal.signals);
      return;
    case "goaway":
      open(writer, code, 3);
      writer.integer(signal.code);
      writer.text(signal.text);
      return;
    case "frag":
      open(writer, code, 4);
      writer.integer(signal.stream);
      writer.byte(signal.last ? TRUE : FALSE);
      writer.byteString(signal.bytes);
      return;
    default:
      signal satisfies never;
  }
}

function open(writer: CborWriter, code: number, count: number): void {
  writer.byte(ARRAY | count);
  writer.byte(code);
}

function target(writer: CborWriter, value: number | string, codec: Codec | undefined): void {
  if (typeof value === "string") name(writer, value, codec);
  else writer.integer(value);
}

function name(writer: CborWriter, value: string, codec: Codec | undefined): void {
  const max = codec?.limits.maxNameBytes ?? Infinity;
  if (utf8Length(value) > max) {
    throw new UnsendableTermError("name", `a name of more than ${max} bytes`);
  }
  try {
    writer.text(value);
  } catch (error) {
    if (!(error instanceof LoneSurrogateError)) throw error;
    throw new UnsendableTermError("name", "a name with half a surrogate pair");
  }
}

function payload(
  writer: CborWriter,
  term: unknown,
  codec: Codec | undefined,
  rootName: string,
): void {
  if (codec === undefined) {
    writer.byteString(term as Uint8Array);
    return;
  }
  const opened = writer.openBytes();
  codec.write(writer, term, rootName);
  writer.closeBytes(opened);
}

function reason(writer: CborWriter, why: unknown, codec: Codec | undefined): void {
  writer.byteString(codec === undefined ? (why as Uint8Array) : codec.encodeReason(why as never));
}

function spawnOptions(writer: CborWriter, options: WireSpawnOptions): void {
  const { link, monitor, startTimeoutMs } = options;
  const count =
    Number(link !== undefined) +
    Number(monitor !== undefined) +
    Number(startTimeoutMs !== undefined);
  writer.byte(MAP | count);
  if (link !== undefined) {
    writer.text("link");
    writer.byte(link ? TRUE : FALSE);
  }
  if (monitor !== undefined) {
    writer.text("monitor");
    writer.integer(monitor);
  }
  if (startTimeoutMs !== undefined) {
    writer.text("startTimeoutMs");
    writer.integer(startTimeoutMs);
  }
}

/** What came in one frame, checked. */
export interface Frame {
  readonly seq: number;
  readonly ack: number;
  readonly signals: readonly ReceivedSignal[];
}

export interface ReceivedSignal {
  readonly signal: WireSignal;
  /** How many bytes of the frame it takes: what it counts in the credit window. */
  readonly bytes: number;
}

type FrameLimits = Pick<Limits, "maxFrameBytes" | "maxNameBytes" | "maxDepth" | "maxItems">;

/**
 * The frame in these bytes. Payloads are views of them, not yet looked into.
 *
 * @throws MalformedError they are not exactly one frame whose every signal has the form of its op
 */
export function parseFrame(bytes: Uint8Array, limits: FrameLimits): Frame {
  if (bytes.length > limits.maxFrameBytes) {
    throw new MalformedError(`a frame of ${bytes.length} bytes`, "maxFrameBytes");
  }
  const reader = new CborReader(bytes);
  reader.arrayOf(3);
  const seq = reader.unsigned();
  const ack = reader.unsigned();
  const count = reader.arrayHead();
  if (count > MAX_SIGNALS_PER_FRAME) throw new MalformedError("too many signals in a frame");
  const signals: ReceivedSignal[] = [];
  for (let i = 0; i < count; i++) {
    const from = reader.at;
    const signal = readSignal(reader, limits);
    if (signal !== undefined) signals.push({ signal, bytes: reader.at - from });
  }
  reader.finish();
  return { seq, ack, signals };
}

/** The one signal in these bytes, as they come out of fragments. `undefined`: one that may be ignored. @throws MalformedError */
export function parseSignal(bytes: Uint8Array, limits: FrameLimits): WireSignal | undefined {
  const reader = new CborReader(bytes);
  const signal = readSignal(reader, limits);
  reader.finish();
  return signal;
}

const opsByCode = new Map(
  (Object.entries(OP_CODES) as [WireOp, number][]).map(([op, code]) => [code, op]),
);

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

/** `undefined` for an op that is not known and may be ignored. */
function readSignal(reader: CborReader, limits: FrameLimits): WireSignal | undefined {
  const length = reader.arrayHead();
  if (length === 0) throw new MalformedError("a signal without an op");
  const code = reader.unsigned();
  const op = opsByCode.get(code);
  if (op === undefined) {
    if (code < FIRST_OPTIONAL_OP) throw new MalformedError(`the unknown op ${code}`);
    const budget = { items: limits.maxItems };
    for (let i = 1; i < length; i++) skip(reader, limits.maxDepth, budget);
    return undefined;
  }
  if (length !== LENGTHS[op]) throw new MalformedError(`a ${op} of ${length} elements`);
  switch (op) {
    case "send":
      return { op, to: reader.unsigned(), from: reader.unsigned(), payload: reader.byteString() };
    case "send-name":
      return {
        op,
        name: readName(reader, limits),
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
        target: readTarget(reader, limits),
      };
    case "demonitor":
      return { op, ref: reader.unsigned() };
    case "down":
      return {
        op,
        ref: reader.unsigned(),
        to: reader.unsigned(),
        target: readTarget(reader, limits),
        payload: reader.byteString(),
      };
    case "spawn":
      return {
        op,
        request: reader.unsigned(),
        from: reader.unsigned(),
        name: readName(reader, limits),
        payload: reader.byteString(),
        options: readSpawnOptions(reader),
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
      return { op, code: reader.unsigned(), text: readName(reader, limits) };
    case "frag":
      return { op, stream: reader.unsigned(), last: reader.boolean(), bytes: reader.byteString() };
    default:
      return op satisfies never;
  }
}

function readName(reader: CborReader, { maxNameBytes }: FrameLimits): string {
  return reader.text(maxNameBytes, "maxNameBytes");
}

function readTarget(reader: CborReader, limits: FrameLimits): number | string {
  return reader.peekMajor() === 3 ? readName(reader, limits) : reader.unsigned();
}

function readSpawnOptions(reader: CborReader): WireSpawnOptions {
  const initial = reader.initial();
  if (initial >> 5 !== 5) throw new MalformedError("a spawn without options");
  const count = reader.argument(initial);
  const options: { link?: boolean; monitor?: number; startTimeoutMs?: number } = {};
  for (let i = 0; i < count; i++) {
    const key = reader.text(32, "maxNameBytes");
    if (Object.hasOwn(options, key)) throw new MalformedError("a spawn option that is there twice");
    if (key === "link") options.link = reader.boolean();
    else if (key === "monitor" || key === "startTimeoutMs") options[key] = reader.unsigned();
    else throw new MalformedError("a spawn option that is not known");
  }
  return options;
}

/** Passes over one item of whatever kind. */
function skip(reader: CborReader, depth: number, budget: { items: number }): void {
  if (--budget.items < 0) throw new MalformedError("too many items", "maxItems" as LimitName);
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
