/** Views: a frame as text, for a terminal and for a log. */
import { renderTree } from "@coppice/supervisor";
import cliProgress from "cli-progress";
import type { Colors } from "picocolors/types.js";
import { pidsIn, restartsIn, type Frame } from "./frame.js";
import type { WorkerPid } from "./hash-worker.js";
import { showPath } from "./raw-path.js";
import { bytesText, countText, crashesText, ofThings, secondsText } from "./text.js";

/** One line with all the numbers. */
export function lineOf(frame: Frame): string {
  const { status, elapsedMs } = frame;
  return [
    secondsText(elapsedMs),
    filesText(frame),
    bytesText(status.bytes),
    troubleText(frame),
  ].join("  ");
}

/** A progress bar and the tree, with what each worker does, within so many columns and rows. */
export function screenOf(frame: Frame, colors: Colors, columns: number, rows: number): string {
  const { status, elapsedMs } = frame;
  const bar = barOf(frame, Math.min(40, Math.floor(columns / 3)));
  const head = [
    `${colors.cyan(bar)} ${cut(filesText(frame), columns - bar.length - 2)}`,
    cut([secondsText(elapsedMs), bytesText(status.bytes), troubleText(frame)].join("  "), columns),
    "",
  ];
  const tree = treeLines(frame, colors, columns);
  // One row is left for the cursor.
  const room = Math.max(1, rows - head.length - 1);
  const shown = tree.length <= room ? tree : tree.slice(0, room - 1);
  if (shown.length < tree.length) shown.push(`… ${countText(tree.length - shown.length)} more`);
  return [...head, ...shown].join("\n");
}

/** The tree alone, without colours, as long as it is. */
export function treeOf({ tree }: Frame): string {
  return renderTree(tree);
}

function filesText({ status }: Frame): string {
  const done = countText(status.found - status.left);
  return `${done} of ${ofThings(status.found, "file")}${status.walked ? "" : " found so far"}`;
}

function troubleText(frame: Frame): string {
  const { crashes, retriedFiles } = frame.status;
  const restarts = ofThings(restartsIn(frame.tree), "restart");
  return `${crashesText(crashes)}  ${restarts}  ${ofThings(retriedFiles, "file")} retried`;
}

function barOf({ status }: Frame, size: number): string {
  const { found, left } = status;
  const { barCompleteChar, barIncompleteChar } = cliProgress.Presets.shades_classic;
  const options = {
    barsize: size,
    barGlue: "",
    barCompleteString: barCompleteChar.repeat(size),
    barIncompleteString: barIncompleteChar.repeat(size),
  };
  return cliProgress.Format.BarFormat(found === 0 ? 0 : (found - left) / found, options);
}

function treeLines({ tree, status }: Frame, colors: Colors, columns: number): string[] {
  const lines = renderTree(tree).split("\n");
  const hands = pidsIn(tree).map((pid) => status.hands.get(pid as WorkerPid));
  const workerLines = lines.filter((_, index) => hands[index] !== undefined);
  const width = Math.max(0, ...workerLines.map(({ length }) => length));
  return lines.map((line, index) => {
    const hand = hands[index];
    if (hand?.path === undefined) return cut(line, columns);
    const doing = `${showPath(hand.path)}${hand.bytes === 0 ? "" : ` ${bytesText(hand.bytes)}`}`;
    const shown = cutFront(doing, columns - width - 1);
    return shown === "" ? cut(line, columns) : `${line.padEnd(width)} ${colors.dim(shown)}`;
  });
}

function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}

/** The end of a path says more than its beginning. */
function cutFront(text: string, columns: number): string {
  if (text.length <= columns) return text;
  return columns < 2 ? "" : `…${text.slice(-(columns - 1))}`;
}
