/**
 * P43: a booking that was given up stays booked, as its cancellation was there first.
 *
 * The booking goes by an agency and is slow; the saga gives up, and cancels at the hotel itself.
 */
import { TIMEOUT, type Pid } from "@coppice/core";
import type { Entry } from "./entry.js";
import { server, type Tell } from "./server.js";
import { stage } from "./stage.js";

type Book = Tell<"book", { id: number; from: Pid<"booked"> }>;
type Hotel = Book | Tell<"cancel", { id: number }>;

export const p43: Entry = {
  id: "P43",
  title: "saga: the compensation overtakes what it compensates",
  source:
    "Garcia-Molina and Salem, Sagas, 1987; messaging folklore of cancellations that come first",
  optimum: { base: "fifo", constraints: 1 },
  program: (variant) => (sim) => {
    const { spawn } = stage(sim);
    const booked = new Set<number>();
    const cancelled = new Set<number>();
    const hotel = spawn(
      "hotel",
      server<Hotel>({
        book: (self, { id, from }) => {
          if (variant === "fixed" && cancelled.has(id)) return;
          booked.add(id);
          self.send(from, "booked");
        },
        cancel: (_self, { id }) => {
          booked.delete(id);
          cancelled.add(id);
        },
      }),
    );
    const agency = spawn(
      "agency",
      server<Book>({ book: (self, message) => self.send(hotel, message) }),
    );
    let hasGivenUp = false;
    spawn<"booked">("saga", async (self) => {
      self.send(agency, { type: "book", id: 1, from: self.pid });
      if ((await self.receive({ timeoutMs: 100 })) !== TIMEOUT) return;
      hasGivenUp = true;
      self.send(hotel, { type: "cancel", id: 1 });
    });
    sim.finally("what was given up is not booked", () => !hasGivenUp || booked.size === 0);
  },
};
