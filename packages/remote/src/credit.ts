/**
 * Credit: how much may be under way to a peer before it says that it took some of it in.
 *
 * The receiver grants what has reached mailboxes, not what was processed: a slow process must not stop
 * the session, its mailbox has limits of its own. Pure: each function gives the next state.
 */

/** So much of each kind. */
export interface Amount {
  readonly bytes: number;
  readonly signals: number;
}

/** What the sender may still send. */
export type SendWindow = Amount;

/** May a signal of this size be sent? */
export function canSpend(window: SendWindow, bytes: number, signals: number): boolean {
  return window.bytes >= bytes && window.signals >= signals;
}

export function spend(window: SendWindow, bytes: number, signals: number): SendWindow {
  return { bytes: window.bytes - bytes, signals: window.signals - signals };
}

/**
 * The peer grants more. `undefined`: more than it was ever sent, which breaks the protocol.
 *
 * @param full the whole window
 */
export function grant(window: SendWindow, granted: Amount, full: Amount): SendWindow | undefined {
  const bytes = window.bytes + granted.bytes;
  const signals = window.signals + granted.signals;
  return bytes > full.bytes || signals > full.signals ? undefined : { bytes, signals };
}

/** What the receiver keeps. */
export interface ReceiveWindow {
  /** What the peer may still send, as far as we know. */
  readonly left: Amount;
  /** What has been taken in and not been granted again. */
  readonly owed: Amount;
}

export function openReceiveWindow(full: Amount): ReceiveWindow {
  return { left: full, owed: { bytes: 0, signals: 0 } };
}

/** A signal came. `undefined`: the peer sends more than it may. */
export function receive(
  window: ReceiveWindow,
  bytes: number,
  signals: number,
): ReceiveWindow | undefined {
  const left = { bytes: window.left.bytes - bytes, signals: window.left.signals - signals };
  return left.bytes < 0 || left.signals < 0 ? undefined : { ...window, left };
}

/** Signals reached their mailboxes. */
export function takeIn(window: ReceiveWindow, bytes: number, signals: number): ReceiveWindow {
  const { left, owed } = window;
  return { left, owed: { bytes: owed.bytes + bytes, signals: owed.signals + signals } };
}

/** Big signals flow while grants come this often. */
const GRANT_BYTES = 256 * 1024;

/**
 * What to grant now: all that is owed once it is a quarter of the window, or 256 KiB where that is less, so
 * that grants are few.
 */
export function due(
  window: ReceiveWindow,
  full: Amount,
): { readonly window: ReceiveWindow; readonly granted: Amount | undefined } {
  const { left, owed } = window;
  const isDue = owed.bytes >= Math.min(full.bytes / 4, GRANT_BYTES);
  if (!isDue && owed.signals * 4 < full.signals) {
    return { window, granted: undefined };
  }
  return {
    window: {
      left: { bytes: left.bytes + owed.bytes, signals: left.signals + owed.signals },
      owed: { bytes: 0, signals: 0 },
    },
    granted: owed,
  };
}
