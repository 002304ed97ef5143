import { expect, test } from "@jest/globals";
import { ClientRates } from "../src/client-rates.js";

test("what a client has said is counted by its name, of so many clients, the oldest forgotten first", () => {
  const rates = new ClientRates(2);
  const [a, b] = [rates.by("a"), rates.by("b")];
  expect([rates.by("a") === a, rates.by("b") === b, a === b]).toEqual([true, true, false]);
  rates.by("c");
  expect([rates.by("b") === b, rates.by("a") === a]).toEqual([true, false]);
});
