/**
 * The dispatcher: gives files to workers, and notices when one has died or hangs.
 *
 * All decisions are the ledger's. What is here is what takes a process: messages, monitors, a timer.
 */
import {
  isOrderly,
  formatReason,
  name,
  type Call,
  type ExitReason,
  type From,
  type Self,
  type Target,
} from "@coppice/core";
import type { WorkerPid } from "./hash-worker.js";
import {
  Ledger,
  type Hand,
  type HashedFile,
  type Outcome,
  type Progress,
  type UnreadableFile,
  type Walked,
} from "./ledger.js";
import type { RawPath } from "./raw-path.js";
import type { NodeStrikeKind, StrikeKind } from "./strike.js";

export type DispatcherMessage =
  | FromWalker
  | FromWorker
  | { readonly type: "died"; readonly worker: WorkerPid; readonly reason: ExitReason }
  | { readonly type: "tick" }
  /** Whom to strike? It is written down before it happens, so that no death is put down to a file. */
  | Call<Strike, WorkerPid | undefined>
  | Call<NodeStrike, string | undefined>
  /** A node that chaos had stopped goes on. */
  | { readonly type: "resumed"; readonly node: string }
  | Call<{ readonly type: "status" }, Status>
  | Call<{ readonly type: "left"; readonly limit: number }, readonly RawPath[]>
  /** Answered when all is done. */
  | Call<{ readonly type: "outcome" }, Outcome>;

type FromWalker =
  | { readonly type: "found"; readonly paths: readonly RawPath[] }
  | ({ readonly type: "unreadableDirectory" } & UnreadableFile)
  | ({ readonly type: "walked" } & Walked);

type FromWorker = { readonly worker: WorkerPid } & (
  | { readonly type: "ready"; readonly number: number }
  | { readonly type: "progress"; readonly bytes: number }
  | ({ readonly type: "hashed" } & HashedFile)
  | ({ readonly type: "unreadable" } & UnreadableFile)
);

interface Strike {
  readonly type: "strike";
  readonly kind: StrikeKind;
  readonly pick: number;
}

interface NodeStrike {
  readonly type: "strikeNode";
  readonly kind: NodeStrikeKind;
  readonly pick: number;
}

export interface Status extends Progress {
  readonly hands: ReadonlyMap<WorkerPid, Hand>;
}

/** The dispatcher's name: good over restarts. */
export const Dispatcher = name<DispatcherMessage>("dispatcher");

/** Where it is: here, or for a worker of another node there. */
export type DispatcherTarget = Target<DispatcherMessage>;

/** Three of them without a sign of life make a worker a suspect, says the ledger. */
const TICK_MS = 100;

export async function dispatcher(self: Self<DispatcherMessage>): Promise<void> {
  const ledger = new Ledger<WorkerPid>();
  const waitingForOutcome: From<Outcome>[] = [];
  self.sendInterval(self.pid, TICK_MS, { type: "tick" });
  for (;;) {
    const message = await self.receive();
    switch (message.type) {
      case "found":
        ledger.found(message.paths);
        break;
      case "unreadableDirectory":
        ledger.unreadableDirectory(message.path, message.reason);
        break;
      case "walked":
        ledger.walked(message);
        break;
      case "ready": {
        const { worker, number } = message;
        self.monitor(worker, ({ reason }) => ({ type: "died", worker, reason }));
        ledger.enlist(worker, number, worker.node === self.pid.node ? undefined : worker.node);
        break;
      }
      case "progress":
        ledger.progressed(message.worker, message.bytes);
        break;
      case "hashed":
        ledger.hashed(message.worker, message);
        break;
      case "unreadable":
        ledger.failed(message.worker, message);
        break;
      case "died": {
        const { worker, reason } = message;
        ledger.died(worker, isOrderly(reason) ? undefined : formatReason(reason));
        break;
      }
      case "resumed":
        ledger.resumed(message.node);
        break;
      case "tick":
        for (const hung of ledger.tick()) self.exit(hung, "kill");
        break;
      case "call":
        answer(self, ledger, waitingForOutcome, message);
        break;
      default:
        message satisfies never;
    }
    for (const { worker, path } of ledger.assign()) self.send(worker, { type: "hash", path });
    if (ledger.isComplete && waitingForOutcome.length > 0) {
      const outcome = ledger.outcome();
      for (const from of waitingForOutcome.splice(0)) self.reply(from, outcome);
    }
  }
}

type Question = Extract<DispatcherMessage, { type: "call" }>;

function answer(
  self: Self<DispatcherMessage>,
  ledger: Ledger<WorkerPid>,
  waitingForOutcome: From<Outcome>[],
  { request, from }: Question,
): void {
  switch (request.type) {
    case "strike":
      self.reply(from as From<WorkerPid | undefined>, ledger.strike(request.kind, request.pick));
      break;
    case "strikeNode": {
      const { kind, pick } = request;
      self.reply(from as From<string | undefined>, ledger.strikeNode(kind, pick));
      break;
    }
    case "status":
      self.reply(from as From<Status>, { ...ledger.progress(), hands: ledger.hands() });
      break;
    case "left":
      self.reply(from as From<readonly RawPath[]>, ledger.left(request.limit));
      break;
    case "outcome":
      waitingForOutcome.push(from as From<Outcome>);
      break;
    default:
      request satisfies never;
  }
}
