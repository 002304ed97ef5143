/** All entries, in order. */
import { p01 } from "./p01-dead-process-in-registry.js";
import { p02 } from "./p02-lost-wake-up.js";
import { p03 } from "./p03-call-cycle.js";
import { p04 } from "./p04-late-reply.js";
import { p05 } from "./p05-use-before-configure.js";
import { p06 } from "./p06-acknowledge-before-persist.js";
import { p07 } from "./p07-escalation.js";
import { p08 } from "./p08-monitor-after-crash.js";
import { p09, p09h } from "./p09-lost-update.js";
import { p10 } from "./p10-two-leaders.js";
import { p11 } from "./p11-two-phase-commit.js";
import { p12 } from "./p12-double-vote.js";
import { p13 } from "./p13-chain-replication.js";
import { p14 } from "./p14-lease-without-fencing.js";
import { p15 } from "./p15-stale-cache-fill.js";
import { p16 } from "./p16-wrong-waiter.js";
import { p17, p17h } from "./p17-dining-philosophers.js";
import { p18 } from "./p18-sleeping-barber.js";
import { p19, p19h } from "./p19-dedup-window.js";
import { p20 } from "./p20-ring-joins.js";
import { p21 } from "./p21-last-writer-wins.js";
import { p22 } from "./p22-work-stealing.js";
import { p23 } from "./p23-credit-leak.js";
import { p24 } from "./p24-idempotency-key.js";
import { p25 } from "./p25-shutdown-order.js";
import { p26 } from "./p26-stale-timeout.js";
import { p27 } from "./p27-down-of-previous-life.js";
import { p28 } from "./p28-priority-inversion.js";
import { p29 } from "./p29-stale-replies.js";
import { p30 } from "./p30-minority-primary.js";
import { p31 } from "./p31-raft-figure-8.js";
import { p32 } from "./p32-abd-without-write-back.js";
import { p33, p33h } from "./p33-wrapped-generation.js";
import { p34 } from "./p34-crash-during-recovery.js";
import { p35 } from "./p35-crossing-cancel.js";
import { p36 } from "./p36-stale-sync-report.js";
import { p37 } from "./p37-paxos-own-value.js";
import { p38 } from "./p38-presumed-abort.js";
import { p39 } from "./p39-effect-before-mark.js";
import { p40 } from "./p40-reply-alias.js";
import { p41 } from "./p41-demonitor-without-flush.js";
import { p42 } from "./p42-commit-of-old-generation.js";
import { p43 } from "./p43-compensation-overtakes.js";
import { p44 } from "./p44-lost-connection.js";
import type { Entry } from "./entry.js";

/** The catalogue proper: `P01` to `P36`. */
export const catalogue: readonly Entry[] = [
  p01,
  p02,
  p03,
  p04,
  p05,
  p06,
  p07,
  p08,
  p09,
  p10,
  p11,
  p12,
  p13,
  p14,
  p15,
  p16,
  p17,
  p18,
  p19,
  p20,
  p21,
  p22,
  p23,
  p24,
  p25,
  p26,
  p27,
  p28,
  p29,
  p30,
  p31,
  p32,
  p33,
  p34,
  p35,
  p36,
];

/** Of other kinds: with disks that lose, aliases, generations, a connection that is lost. `P37` to `P44`. */
export const further: readonly Entry[] = [p37, p38, p39, p40, p41, p42, p43, p44];

/** The same bugs, made harder to hit. */
export const hardened: readonly Entry[] = [p09h, p17h, p19h, p33h];
