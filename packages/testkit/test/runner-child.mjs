/** A test of node:test that fails, for `runners.test.ts`. */
import { test } from "node:test";
import fc from "fast-check";
import { testActors } from "@coppice/testkit";

testActors.with(test)(
  "what's said first (a) is heard first",
  [fc.array(fc.constantFrom("it's", '"so"', "\\n"), { minLength: 2, maxLength: 6 })],
  (sim, words) => {
    const node = sim.node();
    /** @type {string[]} */
    const heard = [];
    const ear = node.spawnOpt({ key: "ear" }, async (self) => {
      for (;;) heard.push(await self.receive());
    });
    for (const [index, word] of words.entries()) {
      node.spawnOpt({ key: `mouth${index}` }, (self) => self.send(ear, word));
    }
    sim.finally("in order", () => heard.join() === words.join());
  },
  { store: false },
);

testActors.with(test)("nothing to see", [], () => undefined, { store: false });
