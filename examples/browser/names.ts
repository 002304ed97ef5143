/** What page and server call the processes that the page is to reach, and the one that it is not. */
import { name, type Call, type Name } from "@coppice/core";
import type { CounterMessage } from "./counter.js";

/** Exported: clients may address it. */
export const Counter: Name<CounterMessage> = name<CounterMessage>("counter");

/** Not exported: for a client there is no such process. */
export const Vault: Name<Call<"secret", string>> = name<Call<"secret", string>>("vault");

/** What the page is told by the site it came from. */
export interface PageConfig {
  readonly address: string;
  readonly clientCookie: string;
}
