/**
 * Signals to bytes: an array whose first element is the op, its payload a byte string with a term in it.
 */
import type { ExitReason } from "@coppice/core";
import {
  ARRAY,
  CborWriter,
  FALSE,
  LoneSurrogateError,
  MAP,
  NULL,
  TRUE,
  utf8Length,
} from "./cbor-writer.js";
import type { Codec } from "./codec.js";
import { UnsendableTermError } from "./term.js";
import { OP_CODES, type WireSignal, type WireSpawnOptions } from "./wire-signal.js";

/** A signal that is too big for one frame is written whole before it is taken out again: its term and so much more. */
export const SIGNAL_ROOM_BYTES: number = 64 * 1024;

/**
 * The bytes of one signal. Without a codec its payload is encoded already, or is none.
 *
 * @throws UnsendableTermError
 */
export function encodeSignal(signal: WireSignal): Uint8Array;
export function encodeSignal(signal: WireSignal<unknown>, codec: Codec): Uint8Array;
export function encodeSignal(signal: WireSignal<unknown>, codec?: Codec): Uint8Array {
  const max =
    codec === undefined
      ? Number.MAX_SAFE_INTEGER
      : codec.limits.maxMessageBytes + SIGNAL_ROOM_BYTES;
  const writer = new CborWriter(256, max);
  writer.begin(0, 0);
  writeSignal(writer, signal, codec);
  return writer.cut();
}

/**
 * Writes a signal behind what the writer holds. With a codec the payload is a term; without, it is bytes.
 *
 * @throws UnsendableTermError the writer holds a part of it, which is the caller's to take back
 */
export function writeSignal(
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
    const what = `a name of more than ${max} bytes`;
    throw new UnsendableTermError("name", what, "maxNameBytes");
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
  const { maxMessageBytes } = codec.limits;
  // The writer has room for what else stands in a frame.
  if (writer.end - writer.start - opened > maxMessageBytes) {
    const what = `more than ${maxMessageBytes} bytes long`;
    throw new UnsendableTermError(rootName, what, "maxMessageBytes");
  }
  writer.closeBytes(opened);
}

function reason(writer: CborWriter, why: unknown, codec: Codec | undefined): void {
  writer.byteString(
    codec === undefined ? (why as Uint8Array) : codec.encodeReason(why as ExitReason),
  );
}

function spawnOptions(writer: CborWriter, options: WireSpawnOptions): void {
  const { link, monitor, startTimeoutMs, label, unwindMs } = options;
  const given = [link, monitor, startTimeoutMs, label, unwindMs];
  writer.byte(MAP | given.filter((option) => option !== undefined).length);
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
  if (label !== undefined) {
    writer.text("label");
    writer.text(label);
  }
  if (unwindMs !== undefined) {
    writer.text("unwindMs");
    if (unwindMs === null) writer.byte(NULL);
    else writer.integer(unwindMs);
  }
}
