/** A name with its protocol, in a module that knows the server by its type alone. */
import { name, type Name } from "@coppice/core";
import type { ProtocolOf } from "@coppice/supervisor";
import type { counter } from "./server-counter.js";

export const Counter: Name<ProtocolOf<typeof counter>> = name("counter");
