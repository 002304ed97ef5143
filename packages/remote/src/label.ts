/**
 * What people call a process that one node starts at another: bounded by who sends it, and made harmless by
 * who will show it.
 */

/** So many bytes of UTF-8 a label has on the wire at most. */
export const MOST_LABEL_BYTES = 255;

const ELLIPSIS = "…";
const ELLIPSIS_BYTES = 3;

/** The label as it travels: one that is too long is cut, and says so; half a surrogate pair is U+FFFD. */
export function labelToSend(label: string): string {
  const room = new Uint8Array(MOST_LABEL_BYTES);
  const { read, written } = encoder.encodeInto(label, room);
  if (read === label.length) return decoder.decode(room.subarray(0, written));
  const shorter = room.subarray(0, MOST_LABEL_BYTES - ELLIPSIS_BYTES);
  const cut = encoder.encodeInto(label, shorter);
  return decoder.decode(shorter.subarray(0, cut.written)) + ELLIPSIS;
}

/** One line, whatever a peer wrote: what would break a log, or turn its direction, is shown by its number. */
export function labelToShow(label: string): string {
  return label.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`,
  );
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
