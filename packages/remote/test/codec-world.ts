/** Two nodes that know each other, a third, and the codecs of the session between the two. */
import { createNode, type Alias, type AnyPid, type Node, type Ref } from "@coppice/core";
import { createVirtualClock } from "@coppice/testkit";
import { Codec } from "../src/codec.js";
import { checkLimits, type Limits } from "../src/limits.js";
import type { ErrorDetail } from "../src/term-encoder.js";
import type { Identities, NodeLife } from "../src/term.js";

export interface Side {
  readonly node: Node;
  /** A process of this node. */
  readonly pid: AnyPid;
  /** An alias of that process. */
  readonly alias: Alias<unknown>;
  readonly life: NodeLife;
}

export interface CodecWorld {
  readonly home: Side;
  readonly peer: Side;
  readonly third: Side;
  /** Of the home's side. */
  readonly codec: Codec;
  /** Of the peer's side. */
  readonly peerCodec: Codec;
  /** Pids and references of the home that its codec told of. */
  readonly exported: (AnyPid | Ref)[];
}

export async function createCodecWorld(
  limits: Partial<Limits> = {},
  errorDetail: ErrorDetail = "full",
): Promise<CodecWorld> {
  const [home, peer, third] = await Promise.all([
    createSide("a"),
    createSide("b"),
    createSide("c"),
  ]);
  const sides = [home, peer, third];
  const exported: (AnyPid | Ref)[] = [];
  const pid = (life: NodeLife, serial: number): AnyPid => {
    const found = sides.find(
      ({ pid }) =>
        pid.node === life.name && pid.incarnation === life.incarnation && pid.serial === serial,
    );
    // Stands for the pids that nobody made here.
    return found?.pid ?? ({ node: life.name, incarnation: life.incarnation, serial } as AnyPid);
  };
  const ref = (owner: AnyPid, serial: number): Ref => {
    const found = sides.find(({ alias }) => alias.owner === owner && alias.serial === serial);
    return found?.alias ?? ({ node: owner.node, owner, serial } as Ref);
  };
  const codecOf = (own: Side, other: Side): Codec => {
    const identities: Identities = {
      home: own.life,
      peer: other.life,
      pid,
      ref,
      exported: (what) => void (own === home && exported.push(what)),
    };
    return new Codec({ identities, limits: checkLimits("limits", limits), errorDetail });
  };
  return {
    home,
    peer,
    third,
    codec: codecOf(home, peer),
    peerCodec: codecOf(peer, home),
    exported,
  };
}

function createSide(name: string): Promise<Side> {
  const node = createNode({ name, clock: createVirtualClock(), logger: false });
  return new Promise((resolve) => {
    node.spawn(async (self) => {
      const { pid } = self;
      const { incarnation } = pid;
      resolve({ node, pid, alias: self.alias(), life: { name, incarnation } });
      await self.receive();
    });
  });
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function unhex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));
}
