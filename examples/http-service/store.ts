/** The store: the counters, and the file they survive in. */
import { name } from "@coppice/core";
import { defineServer, type ProtocolOf, type ServerSelf } from "@coppice/supervisor";
import { readCounters, writeCounters, type Counters } from "./counter-file.js";

interface State {
  /** The store's own: nobody else sees it. */
  readonly counters: Map<string, number>;
  readonly file: string | undefined;
}

export const store = defineServer({
  init: async (file: string | undefined, self: ServerSelf): Promise<State> => {
    // Only then it is asked to terminate when it has to stop.
    self.trapExits();
    const counters = file === undefined ? {} : await readCounters(file);
    return { file, counters: new Map(Object.entries(counters)) };
  },
  call: {
    add: ({ counters }, counter: string, by: number) => {
      const value = (counters.get(counter) ?? 0) + by;
      counters.set(counter, value);
      return { reply: value };
    },
    get: ({ counters }, counter: string) => ({ reply: counters.get(counter) }),
    all: ({ counters }) => ({ reply: toObject(counters) }),
  },
  cast: {
    crash: () => {
      throw new Error("a bug in the store");
    },
  },
  // Also after a crash: what was counted before it is sound.
  terminate: async ({ counters, file }) => {
    if (file === undefined) return;
    await writeCounters(file, toObject(counters));
    console.log(`store: ${counters.size} saved`);
  },
});

/** Whoever is the store now. */
export const Store = name<ProtocolOf<typeof store>>("store");

function toObject(counters: ReadonlyMap<string, number>): Counters {
  return Object.fromEntries(counters);
}
