import { describe, expect, test } from "@jest/globals";
import { parseHello } from "../src/handshake-message.js";
import { accept, dial, handshake } from "../src/handshake.js";
import type {
  AcceptorOptions,
  DiallerOptions,
  Handshaken,
  HandshakeEffect,
  HandshakeState,
  HandshakeStep,
} from "../src/handshake-state.js";
import { checkLimits, DEFAULT_LIMITS } from "../src/limits.js";
import { nodeCrypto } from "../src/node-crypto.js";
import { portableCrypto } from "../src/portable-crypto.js";
import { deriveKey, genCookie, type Key } from "../src/secret.js";
import { CLOSE_CODES } from "../src/wire-signal.js";

const COOKIE = "a cookie of sixteen or more";
const keyBytes = await deriveKey(nodeCrypto, COOKIE, "test");
const KEY: Key = { id: "k1", bytes: keyBytes, role: "node" };
const CLIENT_KEY: Key = { id: "web", bytes: new Uint8Array(32).fill(9), role: "client" };

const common = { cluster: "test", limits: DEFAULT_LIMITS, hearMs: 20_000, crypto: nodeCrypto };
const nonce = (): Uint8Array => nodeCrypto.randomBytes(32);

const dialler = (given: Partial<DiallerOptions> = {}): DiallerOptions => ({
  ...common,
  home: { name: "a", incarnation: 11 },
  key: KEY,
  nonce: nonce(),
  ...given,
});
const acceptor = (given: Partial<AcceptorOptions> = {}): AcceptorOptions => ({
  ...common,
  home: { name: "b", incarnation: 22 },
  keys: [KEY, CLIENT_KEY],
  nonce: nonce(),
  ...given,
});

interface Run {
  /** What the dialler sent and what the acceptor sent, in order. */
  readonly frames: readonly Uint8Array[];
  readonly dialler: Handshaken | string;
  readonly acceptor: Handshaken | string;
}

/** Has the two talk; `tamper` may change what is on the way. The acceptor admits whoever proves it. */
function run(
  diallerOptions: DiallerOptions,
  acceptorOptions: AcceptorOptions,
  tamper: (bytes: Uint8Array, index: number) => Uint8Array = (bytes) => bytes,
): Run {
  const frames: Uint8Array[] = [];
  const ends: { dialler: Handshaken | string; acceptor: Handshaken | string } = {
    dialler: "waits",
    acceptor: "waits",
  };
  const states: { dialler: HandshakeState; acceptor: HandshakeState } = {
    dialler: { phase: "over" },
    acceptor: accept(acceptorOptions),
  };
  const carry = (who: "dialler" | "acceptor", step: HandshakeStep): void => {
    states[who] = step.state;
    for (const effect of step.effects) {
      if (effect.type === "send") {
        const sent = tamper(effect.bytes, frames.length);
        frames.push(effect.bytes);
        const other = who === "dialler" ? "acceptor" : "dialler";
        carry(other, handshake(states[other], { type: "frame", bytes: sent }));
      } else if (effect.type === "authenticated") {
        carry(who, handshake(states[who], { type: "admit" }));
      } else if (effect.type === "open") ends[who] = effect.result;
      else ends[who] = codeName(effect);
    }
  };
  carry("dialler", dial(diallerOptions));
  return { frames, ...ends };
}

function codeName(effect: Extract<HandshakeEffect, { type: "close" }>): string {
  return Object.entries(CLOSE_CODES).find(([, code]) => code === effect.code)?.[0] ?? "?";
}

/** What the last effect of a step is: its kind, or the name of its code. */
function outcome(step: HandshakeStep): string {
  const last = step.effects.at(-1);
  return last === undefined ? "nothing" : last.type === "close" ? codeName(last) : last.type;
}

const afterFrame = (state: HandshakeState, bytes: Uint8Array): HandshakeStep =>
  handshake(state, { type: "frame", bytes });

describe("the handshake", () => {
  test("two that share a key know each other afterwards, and agree on what both can", () => {
    const {
      dialler: of,
      acceptor: by,
      frames,
    } = run(
      dialler({
        hearMs: 30_000,
        caps: ["x", "y"],
        limits: checkLimits("limits", { windowSignals: 99 }),
      }),
      acceptor({ caps: ["y", "z"], limits: checkLimits("limits", { maxFrameBytes: 128 * 1024 }) }),
    );
    expect(frames).toHaveLength(4);
    expect(of).toMatchObject({
      peer: { name: "b", incarnation: 22 },
      role: "node",
      keyId: "k1",
      auth: "psk",
      caps: ["y"],
      peerHearMs: 20_000,
      limits: { windowSignals: 99, maxFrameBytes: 128 * 1024 },
    });
    expect(by).toMatchObject({
      peer: { name: "a", incarnation: 11 },
      role: "node",
      peerHearMs: 30_000,
      limits: (of as Handshaken).limits,
    });
  });

  test("it is the same with the cryptography that runs everywhere", async () => {
    const { dialler: of, acceptor: by } = run(dialler({ crypto: portableCrypto }), acceptor());
    expect([of, by]).toMatchObject([{ peer: { name: "b" } }, { peer: { name: "a" } }]);
    const utf8 = new TextEncoder();
    const derived = portableCrypto.scrypt(utf8.encode("p"), utf8.encode("s"), 1024, 32);
    expect(await derived).toEqual(
      await nodeCrypto.scrypt(utf8.encode("p"), utf8.encode("s"), 1024, 32),
    );
    expect(portableCrypto.randomBytes(32)).not.toEqual(portableCrypto.randomBytes(32));
    for (const { equal } of [nodeCrypto, portableCrypto]) {
      expect(equal(new Uint8Array([1, 2]), new Uint8Array([1, 2]))).toBe(true);
      expect(equal(new Uint8Array([1, 2]), new Uint8Array([1, 3]))).toBe(false);
      expect(equal(new Uint8Array([1]), new Uint8Array([1, 3]))).toBe(false);
    }
  });

  test("a client gets in with the key of clients, and with that of nodes; a node not with that of clients", () => {
    expect(run(dialler({ key: CLIENT_KEY, role: "client" }), acceptor()).acceptor).toMatchObject({
      role: "client",
      keyId: "web",
    });
    expect(run(dialler({ role: "client" }), acceptor()).acceptor).toMatchObject({ role: "client" });
    expect(run(dialler({ key: CLIENT_KEY, role: "node" }), acceptor()).acceptor).toBe("AUTH");
  });

  test("both without keys: nothing is proved, and both have to want that", () => {
    expect(run(dialler({ key: undefined }), acceptor({ keys: [] })).acceptor).toMatchObject({
      auth: "none",
    });
    expect(run(dialler({ key: undefined }), acceptor()).acceptor).toBe("AUTH");
    expect(run(dialler(), acceptor({ keys: [] })).acceptor).toBe("AUTH");
  });

  test("the peer is another than was expected, of another cluster, or has the own name", () => {
    expect(run(dialler({ expectNode: "c" }), acceptor()).dialler).toBe("NAME_TAKEN");
    expect(run(dialler({ expectNode: "b" }), acceptor()).dialler).toMatchObject({ auth: "psk" });
    expect(run(dialler({ cluster: "prod" }), acceptor()).acceptor).toBe("CLUSTER");
    const same = { home: { name: "b", incarnation: 1 } };
    expect(run(dialler(same), acceptor()).acceptor).toBe("NAME_TAKEN");
  });

  test("who has proved it may still be refused, and then gets nothing that was made with the key", () => {
    const first = dial(dialler());
    const hello = sentBy(first);
    const challenged = afterFrame(accept(acceptor()), hello);
    const proved = afterFrame(first.state, sentBy(challenged));
    const verified = afterFrame(challenged.state, sentBy(proved));
    expect(outcome(verified)).toBe("authenticated");
    const refused = handshake(verified.state, { type: "refuse", code: CLOSE_CODES.NAME_TAKEN });
    expect(refused.effects).toEqual([
      { type: "close", code: CLOSE_CODES.NAME_TAKEN, why: expect.any(String) },
    ]);
    expect(outcome(afterFrame(verified.state, hello))).toBe("PROTOCOL");
  });

  test("mid-handshake death: whatever it waits for, after a while it waits no more", () => {
    const first = dial(dialler());
    const challenged = afterFrame(accept(acceptor()), sentBy(first));
    const proved = afterFrame(first.state, sentBy(challenged));
    for (const state of [first.state, accept(acceptor()), challenged.state, proved.state]) {
      const over = handshake(state, { type: "timeout" });
      expect(outcome(over)).toBe("HANDSHAKE");
      expect(afterFrame(over.state, sentBy(first)).effects).toEqual([]);
    }
  });
});

function sentBy(step: HandshakeStep): Uint8Array {
  const effect = step.effects.find(({ type }) => type === "send");
  if (effect?.type !== "send") throw new Error(`sent nothing: ${outcome(step)}`);
  return effect.bytes;
}

describe("threats", () => {
  test("cookie on the wire: neither cookie nor key is in what is sent", () => {
    const { frames } = run(dialler(), acceptor());
    const wire = Buffer.concat(frames);
    expect(wire.includes(COOKIE)).toBe(false);
    expect(wire.includes(Buffer.from(keyBytes))).toBe(false);
    for (let at = 0; at + 8 <= keyBytes.length; at++) {
      expect(wire.includes(Buffer.from(keyBytes.subarray(at, at + 8)))).toBe(false);
    }
  });

  test("offline guess: a short cookie is refused, and the error does not print it", async () => {
    for (const cookie of ["", "short secret 15", "é".repeat(15), 7 as never]) {
      const failure = deriveKey(nodeCrypto, cookie, "test");
      await expect(failure).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "cookie" });
      await failure.catch((error: Error) => {
        expect(error.message.includes("short secret")).toBe(false);
      });
    }
    await expect(deriveKey(nodeCrypto, COOKIE, "")).rejects.toMatchObject({ argument: "cluster" });
    expect(await deriveKey(nodeCrypto, COOKIE, "other")).not.toEqual(keyBytes);
  });

  test("genCookie makes 256 bits that are never the same", () => {
    const cookies = new Set(Array.from({ length: 100 }, () => genCookie(nodeCrypto)));
    expect(cookies.size).toBe(100);
    for (const cookie of cookies) expect(cookie).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  test("a wrong key gets nothing, and neither does one that nobody knows", () => {
    const wrong: Key = { ...KEY, bytes: new Uint8Array(32) };
    expect(run(dialler({ key: wrong }), acceptor())).toMatchObject({
      acceptor: "AUTH",
      dialler: "waits",
    });
    const unknown = { ...KEY, id: "nobody's" };
    const { acceptor: by, frames } = run(dialler({ key: unknown }), acceptor());
    expect(by).toBe("AUTH");
    // It was challenged as anybody is: which keys there are is not told.
    expect(frames).toHaveLength(3);
  });

  test("a key that the acceptor does not have cannot be replaced by anything that was sent", () => {
    const options = acceptor();
    for (const bytes of [options.nonce, new Uint8Array(32), new Uint8Array(0)]) {
      const key: Key = { id: "nobody's", bytes, role: "node" };
      expect(run(dialler({ key }), options).acceptor).toBe("AUTH");
    }
  });

  test("reflection: the acceptor's own proof does not open its door", () => {
    // The dialler is lured into dialling the attacker, who answers with what the acceptor says.
    const toVictim = dial(dialler());
    const first = dial(dialler());
    const challenged = afterFrame(accept(acceptor()), sentBy(first));
    const proof = sentBy(afterFrame(first.state, sentBy(challenged)));
    const opened = handshake(afterFrame(challenged.state, proof).state, { type: "admit" });
    const acceptMac = sentBy(opened);
    const again = afterFrame(accept(acceptor()), sentBy(toVictim));
    const asProof = Uint8Array.from(acceptMac);
    asProof[1] = 3;
    expect(outcome(afterFrame(again.state, asProof))).toBe("AUTH");
    // And a dialler does not take its own proof for an ACCEPT.
    const waiting = afterFrame(first.state, sentBy(challenged));
    const asAccept = Uint8Array.from(proof);
    asAccept[1] = 4;
    expect(outcome(afterFrame(waiting.state, asAccept))).toBe("AUTH");
  });

  test("oracle: a proof lured out of a dialler opens no other door", () => {
    // b dials the attacker, who dials c in b's name and passes c's challenge on as its own.
    const lured = dial(dialler({ home: { name: "b", incarnation: 22 } }));
    const door = acceptor({ home: { name: "c", incarnation: 33 } });
    const forged = dial(dialler({ home: { name: "b", incarnation: 22 } }));
    const challenged = afterFrame(accept(door), sentBy(forged));
    const proof = sentBy(afterFrame(lured.state, sentBy(challenged)));
    // The two HELLOs have different nonces.
    expect(outcome(afterFrame(challenged.state, proof))).toBe("AUTH");
  });

  test("replay: what was said once opens no door again, neither the same nor another", () => {
    const { frames } = run(dialler(), acceptor());
    const [hello, , proof] = frames as [Uint8Array, Uint8Array, Uint8Array];
    for (const door of [acceptor(), acceptor({ home: { name: "c", incarnation: 3 } })]) {
      const challenged = afterFrame(accept(door), hello);
      expect(outcome(afterFrame(challenged.state, proof))).toBe("AUTH");
    }
    // A replayed challenge and ACCEPT do not deceive a dialler.
    const [, challenge, , acceptance] = frames as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const waiting = afterFrame(dial(dialler()).state, challenge);
    expect(outcome(afterFrame(waiting.state, acceptance))).toBe("AUTH");
  });

  test("downgrade: a cap or an authentication that is taken out, or a limit that is lowered on the way, makes a bad proof", () => {
    const of = dialler({ caps: ["frame-mac"] });
    const by = acceptor({ caps: ["frame-mac"] });
    const without = (text: string) => (bytes: Uint8Array, index: number) => {
      if (index !== 0 || !Buffer.from(bytes).includes(text)) return bytes;
      const changed = Buffer.from(bytes);
      changed.write("x".repeat(text.length), changed.indexOf(text));
      expect(parseHello(changed, DEFAULT_LIMITS)).toBeDefined();
      return Uint8Array.from(changed);
    };
    expect(run(of, by).acceptor).toMatchObject({ caps: ["frame-mac"] });
    expect(run(of, by, without("frame-mac")).acceptor).toBe("AUTH");
    const bound = { channelBinding: new Uint8Array(32).fill(1) };
    const tampered = without("psk-tls");
    expect(run(dialler(bound), acceptor(bound)).acceptor).toMatchObject({ auth: "psk-tls" });
    expect(run(dialler(bound), acceptor(bound), tampered).acceptor).toBe("AUTH");
    const lower = (bytes: Uint8Array, index: number): Uint8Array => {
      const changed = Buffer.from(bytes);
      // windowSignals, 16 384.
      const at = changed.indexOf(Buffer.from("194000", "hex"));
      if (index !== 1 || at < 0) return bytes;
      changed.writeUInt16BE(99, at + 1);
      return Uint8Array.from(changed);
    };
    expect(run(dialler(), acceptor(), lower)).toMatchObject({ acceptor: "AUTH", dialler: "waits" });
  });

  test("someone between the two who ends the TLS of both: their secrets differ, and so do the proofs", () => {
    const one = { channelBinding: new Uint8Array(32).fill(1) };
    const other = { channelBinding: new Uint8Array(32).fill(2) };
    expect(run(dialler(one), acceptor(other)).acceptor).toBe("AUTH");
    // TLS that only one of them sees, as behind a proxy: without it.
    expect(run(dialler(one), acceptor()).acceptor).toMatchObject({ auth: "psk" });
    expect(run(dialler(), acceptor(other)).acceptor).toMatchObject({ auth: "psk" });
  });

  test("any bit that flips on the way, in any of the four messages, opens no session", () => {
    const of = dialler();
    const by = acceptor();
    const { frames } = run(of, by);
    for (const [index, frame] of frames.entries()) {
      for (let bit = 0; bit < frame.length * 8; bit += index < 2 ? 3 : 1) {
        const flipped = run(of, by, (bytes, at) => {
          if (at !== index) return bytes;
          const changed = Uint8Array.from(bytes);
          changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
          return changed;
        });
        expect(typeof flipped.dialler).toBe("string");
        // What is flipped in ACCEPT the acceptor cannot know.
        if (index < 3) expect(typeof flipped.acceptor).toBe("string");
      }
    }
  });
});

describe("what comes before the session is not believed", () => {
  const hello = sentBy(dial(dialler()));
  const changed = (edit: (bytes: Buffer) => void): Uint8Array => {
    const bytes = Buffer.from(hello);
    edit(bytes);
    return Uint8Array.from(bytes);
  };

  test.each<[string, Uint8Array, string]>([
    ["nothing", new Uint8Array(0), "PROTOCOL"],
    ["a frame of signals", Uint8Array.from([0x83, 9, 0, 0x80]), "PROTOCOL"],
    ["a CHALLENGE", sentBy(afterFrame(accept(acceptor()), hello)), "PROTOCOL"],
    ["a text", new TextEncoder().encode("GET / HTTP/1.1"), "PROTOCOL"],
    ["something behind the end", Uint8Array.from([...hello, 0]), "PROTOCOL"],
    ["less than all", hello.subarray(0, -1), "PROTOCOL"],
    ["5 KB", Uint8Array.from([...hello, ...new Uint8Array(5000)]), "PROTOCOL"],
    ["deep nesting", new Uint8Array(4000).fill(0x81), "PROTOCOL"],
    ["version 0", changed((bytes) => (bytes[2] = 0)), "VERSION"],
    ["version 2", changed((bytes) => (bytes[2] = 2)), "VERSION"],
    ["version 2 of another length", Uint8Array.from([0x83, 1, 2, 0x80]), "VERSION"],
  ])("%s", (_what, bytes, code) => {
    expect(outcome(afterFrame(accept(acceptor()), bytes))).toBe(code);
  });

  test.each(["", "a\nb", "a b", "a/b", "<a>", "\u0000", "\u001b[31m", "x".repeat(129)])(
    "a node that calls itself %j",
    (name) => {
      const step = dial(dialler({ home: { name, incarnation: 1 } }));
      expect(outcome(afterFrame(accept(acceptor()), sentBy(step)))).toBe("PROTOCOL");
    },
  );

  test("a peer that wants to be heard every millisecond, or takes no frames at all", () => {
    const soon = dial(dialler({ hearMs: 4 }));
    expect(outcome(afterFrame(accept(acceptor()), sentBy(soon)))).toBe("PROTOCOL");
    const small = dial(dialler({ limits: { ...DEFAULT_LIMITS, maxFrameBytes: 100 } }));
    expect(outcome(afterFrame(accept(acceptor()), sentBy(small)))).toBe("PROTOCOL");
  });
});
