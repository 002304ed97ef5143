/** The screen: a picture that is drawn again and again on a terminal, a line now and then elsewhere. */
import { createLogUpdate } from "log-update";
import picocolors from "picocolors";
import type { Frame } from "./frame.js";
import { lineOf, screenOf, treeOf } from "./view.js";

export interface Screen {
  /** How often it wants a frame. */
  readonly everyMs: number;
  show(frame: Frame): void;
  /** A line that stays. */
  say(line: string): void;
  /** Shows the last frame, which stays. */
  end(frame: Frame): void;
}

/** A picture where one can be drawn, lines elsewhere: also on a terminal that nobody has given a size yet. */
export function screenFor(
  out: NodeJS.WriteStream,
  { NO_COLOR = "", TERM }: Readonly<Record<string, string | undefined>>,
): Screen {
  const canDraw = out.isTTY && TERM !== "dumb" && out.columns > 0 && out.rows > 0;
  return canDraw ? terminalScreen(out, NO_COLOR === "") : plainScreen((text) => out.write(text));
}

function terminalScreen(out: NodeJS.WriteStream, useColors: boolean): Screen {
  const update = createLogUpdate(out);
  const colors = picocolors.createColors(useColors);
  const draw = (frame: Frame): void => update(screenOf(frame, colors, out.columns, out.rows));
  return {
    everyMs: 100,
    show: draw,
    say: (line) => update.persist(line),
    end: (frame) => {
      draw(frame);
      update.done();
    },
  };
}

function plainScreen(write: (text: string) => void): Screen {
  return {
    everyMs: 1_000,
    show: (frame) => write(`${lineOf(frame)}\n`),
    say: (line) => write(`${line}\n`),
    end: (frame) => write(`${lineOf(frame)}\n\n${treeOf(frame)}\n`),
  };
}
