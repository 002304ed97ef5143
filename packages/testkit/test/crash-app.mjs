/** An application that crashes, for `record-node.test.ts`. */
import { name } from "@coppice/core";

export const Orders = name("orders");
export const Till = name("till");

/**
 * Orders expire when nobody pays in time; who pays for one that has just expired brings the till down.
 *
 * @param {import("@coppice/core").Node} node
 */
export function start(node) {
  const till = node.spawnOpt({ key: "till", name: Till }, async (self) => {
    /** @type {Map<number, number>} */
    const open = new Map();
    for (;;) {
      const message = await self.receive();
      if (message.type === "order") {
        open.set(message.id, message.amount);
        self.sendAfter(self.pid, message.expiresMs, { type: "expired", id: message.id });
      } else if (message.type === "expired") open.delete(message.id);
      else {
        const { id } = message.request;
        const due = open.get(id);
        if (due === undefined) throw new RangeError(`order ${id} is not open`);
        open.delete(id);
        self.reply(message.from, due);
      }
    }
  });
  node.spawnOpt({ key: "desk", name: Orders }, async (self) => {
    for (;;) self.send(till, await self.receive());
  });
}
