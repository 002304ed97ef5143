/**
 * What the fuzzer throws at a node: first each attack that has a name, then what chance makes of valid
 * bytes. The same seed gives the same cases.
 */

export interface Case {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Random numbers from a seed (xorshift, 32 bits). */
export class Chance {
  #state: number;
  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0 || 1;
    for (let i = 0; i < 8; i++) this.next();
  }

  /** From 0 to below 2^32. */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state;
  }

  below(bound: number): number {
    return this.next() % bound;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

const unhex = (text: string): Uint8Array =>
  new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** A head with this argument, in the shortest form. */
export function head(major: number, value: number): Uint8Array {
  const first = major << 5;
  if (value < 24) return Uint8Array.of(first | value);
  const bytes = new Uint8Array(value < 0x100 ? 2 : value < 0x10000 ? 3 : value < 2 ** 32 ? 5 : 9);
  const view = new DataView(bytes.buffer);
  if (bytes.length === 2) bytes[1] = value;
  else if (bytes.length === 3) view.setUint16(1, value);
  else if (bytes.length === 5) view.setUint32(1, value);
  else view.setBigUint64(1, BigInt(value));
  bytes[0] = first | { 2: 24, 3: 25, 5: 26, 9: 27 }[bytes.length as 2 | 3 | 5 | 9];
  return bytes;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function filled(length: number, ...prefix: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = prefix[at % prefix.length] as number;
  return bytes;
}

/** Attacks on whoever reads a term. */
export function* termAttacks(): Generator<Case> {
  const contents = [
    "00",
    "40",
    "4100",
    "6161",
    "80",
    "8100",
    "820000",
    "a0",
    "8361786178a0",
    "f6",
  ].map(unhex);
  for (const tag of [...Array(65_536).keys(), 65_536, 2 ** 31, 2 ** 32, 2 ** 52]) {
    const named = tag < 300 || (tag >= 40_890 && tag < 40_910) || (tag >= 57_330 && tag < 57_350);
    for (const content of named ? contents : contents.slice(0, 2)) {
      yield { name: `tag ${tag}`, bytes: joined(head(6, tag), content) };
    }
  }
  for (const depth of [63, 64, 65, 5000, 1_000_000]) {
    const nests = {
      array: [0x81],
      map: [0xa1, 0x61, 0x61],
      set: [0xd9, 1, 2, 0x81],
      error: [0xd8, 0x1b],
    };
    for (const [name, prefix] of Object.entries(nests)) {
      const bytes = joined(filled(depth * prefix.length, ...prefix), unhex("00"));
      yield { name: `${depth} levels of ${name}`, bytes };
    }
  }
  for (const length of [25, 255, 65_536, 2 ** 24, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
    for (const major of [2, 3, 4, 5]) {
      for (const before of ["", "82", "d90102", "d90103", "d84d", "d81b836178", "c2", "c1"]) {
        const bytes = joined(unhex(before), head(major, length), filled(16, 0xf6));
        yield { name: `a length of ${length} after "${before}", major ${major}`, bytes };
      }
    }
  }
  for (let count = 1; count < 40; count++) {
    const claims = Array.from({ length: count }, () => unhex("9a000f0000"));
    const bytes = joined(...claims, filled(1_000_000, 0xf6));
    yield { name: `${count} arrays that claim a million each`, bytes };
  }
  for (const tag of [0xc2, 0xc3]) {
    for (const length of [128, 129, 4096, 32_768, 131_072, 524_288]) {
      const bytes = joined(Uint8Array.of(tag), head(2, length), filled(length, 0xff));
      yield { name: `an integer of ${length} bytes`, bytes };
    }
  }
  const polluting = [
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "hasOwnProperty",
    "then",
    "toJSON",
  ];
  for (const key of polluting) {
    const text = joined(head(3, key.length), Buffer.from(key));
    const values = ["00", "a0", "a168706f6c6c75746564f5", "80", "f6"].map(unhex);
    for (const value of values) {
      yield { name: `the key ${key}`, bytes: joined(unhex("a1"), text, value) };
      yield {
        name: `the key ${key}, deeper`,
        bytes: joined(unhex("81a1"), text, unhex("a1"), text, value),
      };
      yield { name: `the key ${key} in a map`, bytes: joined(unhex("d90103a1"), text, value) };
      yield {
        name: `the detail ${key} of an error`,
        bytes: joined(unhex("d81b8361786178a1"), text, value),
      };
    }
  }
  const many = 50_000;
  const keys = Array.from({ length: many }, (_, n) => {
    const text = n.toString(36);
    return joined(head(3, text.length), Buffer.from(text), Uint8Array.of(0));
  });
  yield { name: "a record of too many keys", bytes: joined(head(5, many), ...keys) };
  yield { name: "a record of many keys", bytes: joined(head(5, 49_000), ...keys.slice(0, 49_000)) };
  yield { name: "an array of many nothings", bytes: joined(head(4, 99_000), filled(99_000, 0xf7)) };
  yield {
    name: "many small errors",
    bytes: joined(
      head(4, 5000),
      filled(45_000, 0xd8, 0x1b, 0x83, 0x61, 0x78, 0x61, 0x78, 0xa0, 0x80),
    ),
  };
  const error = unhex("d81b8361786178a0");
  yield {
    name: "many errors",
    bytes: joined(head(4, 20_000), ...Array.from({ length: 20_000 }, () => error)),
  };
  const integer = joined(unhex("c2"), head(2, 128), filled(128, 0xff));
  yield {
    name: "many big integers",
    bytes: joined(head(4, 8000), ...Array.from({ length: 8000 }, () => integer)),
  };
  yield {
    name: "a text of a megabyte",
    bytes: joined(head(3, 1_000_000), filled(1_000_000, 0x61)),
  };
  yield {
    name: "a text that is no UTF-8 at its end",
    bytes: joined(head(3, 1_000_001), filled(1_000_000, 0x61), unhex("ff")),
  };
}

/** Every head, every start of the bytes. */
export function* truncations(name: string, bytes: Uint8Array): Generator<Case> {
  for (let length = 0; length < bytes.length; length++) {
    yield { name: `${name}, ${length} bytes of it`, bytes: bytes.slice(0, length) };
  }
}

/** What chance makes of valid bytes. */
export function mutated(chance: Chance, corpus: readonly Case[]): Case {
  const origin = chance.of(corpus);
  let bytes = Buffer.from(origin.bytes);
  const edits = 1 + chance.below(4);
  for (let edit = 0; edit < edits; edit++) {
    const at = chance.below(bytes.length + 1);
    switch (chance.below(7)) {
      case 0:
        if (at < bytes.length) bytes[at] = chance.below(256);
        break;
      case 1:
        if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << chance.below(8));
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + chance.below(8))]);
        break;
      case 3: {
        const other = chance.of(corpus).bytes;
        const from = chance.below(other.length + 1);
        const part = other.subarray(from, from + 1 + chance.below(64));
        bytes = Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
        break;
      }
      case 4: {
        const lie = head(chance.below(8), chance.next() * (chance.below(2) === 0 ? 1 : 2 ** 20));
        bytes = Buffer.concat([bytes.subarray(0, at), lie, bytes.subarray(at)]);
        break;
      }
      case 5:
        bytes = Buffer.concat([bytes, bytes.subarray(at)]);
        break;
      default:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(filled(chance.below(40), 0x81, 0xa1)),
        ]);
    }
  }
  return { name: `${origin.name}, changed`, bytes: new Uint8Array(bytes) };
}

export function random(chance: Chance): Case {
  const bytes = Uint8Array.from({ length: chance.below(200) }, () => chance.below(256));
  return { name: "random bytes", bytes };
}
