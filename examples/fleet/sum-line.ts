/**
 * Sum lines: one file in the format of `sha256sum`, for `sha256sum --check`.
 *
 * GNU coreutils: https://www.gnu.org/software/coreutils/manual/html_node/cksum-output-modes.html
 */
import type { RawPath } from "./raw-path.js";

/**
 * The line with its line feed, in raw bytes as the path is.
 *
 * A name with a backslash, a line feed or a carriage return is escaped, and a backslash in front of
 * the line says so.
 */
export function sumLine(sha256: string, path: RawPath): string {
  const escaped = path.replace(/[\\\n\r]/g, (character) =>
    character === "\\" ? "\\\\" : character === "\n" ? "\\n" : "\\r",
  );
  return `${escaped === path ? "" : "\\"}${sha256}  ${escaped}\n`;
}
