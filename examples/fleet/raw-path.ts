/**
 * Raw paths: paths as the file system has them, which is bytes.
 *
 * Names need not be UTF-8, and a name that went through UTF-8 may be the name of no file. A raw path
 * is a string with one character for each byte: lossless as a Buffer is, and unlike one it is
 * immutable, compares with `===` and `<`, and can be a key.
 */
declare const RAW: unique symbol;

export type RawPath = string & { readonly [RAW]: true };

/** From bytes, or from text as people type it. */
export function rawPath(path: Uint8Array | string): RawPath {
  return Buffer.from(path as Uint8Array).toString("latin1") as RawPath;
}

/** What the functions of `node:fs` take. */
export function bytesOf(path: RawPath): Buffer {
  return Buffer.from(path, "latin1");
}

/** The path of an entry of a directory. */
export function joinPath(directory: RawPath, name: Uint8Array): RawPath {
  const separator = directory.endsWith("/") ? "" : "/";
  return `${directory}${separator}${rawPath(name)}` as RawPath;
}

/** For people: UTF-8, without the characters that would do something to a terminal. */
export function showPath(path: RawPath): string {
  return bytesOf(path)
    .toString("utf8")
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
      const code = character.codePointAt(0) ?? 0;
      return { 9: "\\t", 10: "\\n", 13: "\\r" }[code] ?? `\\u{${code.toString(16)}}`;
    });
}
