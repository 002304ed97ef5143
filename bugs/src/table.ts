/** Verdicts as lines for people. */
import type { Verdict } from "./verdict.js";

export const HEADING =
  "bug   found  schedules: least median most    by                  explained by  runs  alarms";

export function formatVerdict(verdict: Verdict): string {
  const { id, schedules, searches, strategies, constraints, optimum, replays } = verdict;
  const spread =
    schedules.length === 0
      ? ""
      : [schedules[0], schedules[schedules.length >> 1], schedules.at(-1)]
          .map((count) => String(count).padStart(7))
          .join("");
  const by = Object.entries(strategies)
    .toSorted(([, a], [, b]) => b - a)
    .map(([name]) => name)
    .join(" ");
  const cells = [
    id.padEnd(5),
    `${schedules.length}/${searches}`.padEnd(6),
    spread.padEnd(28),
    by.padEnd(24),
    `${constraints ?? "–"} of ${optimum}`.padEnd(8),
    String(replays).padStart(5),
    `${verdict.alarms}/${verdict.alarmSchedules}`.padStart(10),
  ];
  const line = cells.join(" ");
  const { complaints } = verdict;
  return complaints.length === 0 ? line : `${line}\n      FAILED: ${complaints.join("; ")}`;
}
