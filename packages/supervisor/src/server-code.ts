/** What a server runs: its callbacks, and where to find the one for a request. A change of code replaces it. */
import { callbacksByName, type CallbacksByName } from "./request-callback.js";
import type { Callbacks } from "./server-callbacks.js";

export class ServerCode {
  readonly callbacks: Callbacks;
  readonly calls: CallbacksByName;
  readonly casts: CallbacksByName;

  constructor(callbacks: Callbacks) {
    this.callbacks = callbacks;
    this.calls = callbacksByName(callbacks.call);
    this.casts = callbacksByName(callbacks.cast);
  }
}
