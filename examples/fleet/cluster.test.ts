import { describe, expect, test } from "@jest/globals";
import { Placement } from "./cluster.js";

describe("the place of a worker", () => {
  test("is the node that has the fewest, and of several the first", () => {
    const placement = new Placement();
    const places = [1, 2, 3, 4].map((worker) => placement.choose(worker, ["b", "a", "c"], 0));
    expect(places).toEqual(["a", "b", "c", "a"]);
    // Its own old place does not count.
    expect(placement.choose(1, ["a", "b"], 0)).toBe("a");
    expect(placement.choose(2, [], 0)).toBeUndefined();
  });

  test("is not where a start has failed just now, unless there is no other", () => {
    const placement = new Placement();
    expect(placement.choose(1, ["a", "b"], 0)).toBe("a");
    placement.failed(1, 0);
    expect(placement.choose(1, ["a", "b"], 10)).toBe("b");
    expect(placement.choose(2, ["a", "b"], 10)).toBe("b");
    expect(placement.choose(3, ["a"], 10)).toBe("a");
    expect(placement.choose(4, ["a", "b"], 10_000)).toBe("a");
  });
});
