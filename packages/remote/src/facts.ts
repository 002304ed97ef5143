/** What remoting knows of a connection beside what that knows itself. */
import type { Waiting } from "./awaiting.js";
import type { ExportTable } from "./export-table.js";
import type { Incoming } from "./incoming.js";
import type { Join } from "./joins.js";

/** Of one connection. */
export interface Facts {
  /** Whom we expect there. */
  readonly expected: string | undefined;
  readonly address: string;
  readonly join: Join | undefined;
  readonly waiting: Waiting[];
  /** Its handshake is over: another may begin in its place. Of one that we dialled that says nothing. */
  readonly handshakeOver: () => void;
  /** What the other side was told of, which is all that a client may address. */
  readonly exported: ExportTable;
  /** Whom we have told who we are. */
  told: string | undefined;
  /** Takes what is said over the session, while it is open. */
  incoming: Incoming | undefined;
}
