/** What goes on between nodes. */

export type RemoteEvent =
  /** A session is open: what is sent to that node arrives. */
  | {
      readonly type: "up";
      readonly node: string;
      readonly incarnation: number;
      readonly role: "node" | "client";
      readonly address: string;
    }
  /** It is over; `code` is one of `CLOSE_CODES`, or the transport's. All links and monitors are told. */
  | {
      readonly type: "down";
      readonly node: string;
      readonly incarnation: number;
      readonly role: "node" | "client";
      readonly code: number;
      readonly text: string;
      /** The other side ended it. A connection that broke was ended by nobody. */
      readonly byPeer: boolean;
    }
  /**
   * A connection that did not become a session, or a request for one that was turned away, such as of a page whose
   * origin is not allowed: `text` says why.
   */
  | {
      readonly type: "refused";
      readonly address: string;
      readonly node: string | undefined;
      readonly code: number;
      readonly text: string;
      readonly byPeer: boolean;
    }
  /** More waits to be sent to that node than goes out; `ready` when that is over. */
  | { readonly type: "busy"; readonly node: string }
  | { readonly type: "ready"; readonly node: string }
  /** This node was stopped for so long: a long step, a suspended machine. */
  | { readonly type: "stalled"; readonly lateMs: number }
  /** A peer asked for what it may not have, or said what cannot be read. */
  | { readonly type: "denied"; readonly node: string; readonly what: string };
