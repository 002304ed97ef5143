/** Encoding and decoding of one term, again and again, by our codec and by cbor-x. */
import { Codec, DEFAULT_LIMITS } from "@coppice/remote/wire";
import type { Job } from "./benchmark.js";
import { cborX, decodeFenced, encodeFenced } from "./codec-fence.js";
import { TERMS, type TermKind } from "./codec-terms.js";
import { perSecond } from "./rate.js";

export interface CodecJobs {
  readonly coppice: Job;
  /** As it is. */
  readonly cborX: Job;
  /** With the checks that a wire needs which trusts nobody. */
  readonly fenced: Job;
}

const none = (): never => {
  throw new Error("there are no pids or references in these terms");
};

function codec(): Codec {
  const home = { name: "a", incarnation: 1 };
  const peer = { name: "b", incarnation: 1 };
  return new Codec({ identities: { home, peer, pid: none, ref: none }, limits: DEFAULT_LIMITS });
}

function repeated(act: () => unknown): Job {
  return async (count) => {
    let done = 0;
    const startMs = performance.now();
    for (let i = 0; i < count; i++) if (act() !== undefined) done++;
    return { count: done, value: perSecond(count, startMs) };
  };
}

export function encodeJobs(kind: TermKind): CodecJobs {
  const term = TERMS[kind];
  const own = codec();
  return {
    coppice: repeated(() => own.encode(term)),
    cborX: repeated(() => cborX.encode(term)),
    fenced: repeated(() => encodeFenced(term)),
  };
}

/** Each decodes what our codec has written: what is on the wire. */
export function decodeJobs(kind: TermKind): CodecJobs {
  const own = codec();
  const bytes = own.encode(TERMS[kind]).slice();
  return {
    coppice: repeated(() => own.decode(bytes)),
    cborX: repeated(() => cborX.decode(bytes)),
    fenced: repeated(() => decodeFenced(bytes)),
  };
}
