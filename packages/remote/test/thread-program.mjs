// What the threads of the tests run: the built package, as a program would.
import { defineServer } from "../../supervisor/dist/index.js";
import { remoteBehaviour, startInThread } from "../dist/index.js";

const worker = defineServer({
  init: () => 0,
  call: {
    fib: (state, n) => ({ reply: fib(n), state }),
    hang: () => {
      for (;;);
    },
    exit: () => process.exit(3),
    told: (state) => ({ reply: [process.argv[2], process.env.TOLD], state }),
    hoard: () => {
      for (const hoard = []; ;) hoard.push(new Array(1000).fill(0));
    },
  },
});

function fib(n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

await startInThread(
  { behaviours: { worker: remoteBehaviour(worker, () => []) } },
  { logger: false },
);
