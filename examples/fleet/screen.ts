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

export function terminalScreen(out: NodeJS.WriteStream, useColors: boolean): Screen {
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

export function plainScreen(write: (text: string) => void): Screen {
  return {
    everyMs: 1_000,
    show: (frame) => write(`${lineOf(frame)}\n`),
    say: (line) => write(`${line}\n`),
    end: (frame) => write(`${lineOf(frame)}\n\n${treeOf(frame)}\n`),
  };
}
