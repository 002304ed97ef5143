/** Programs of real processes, drawn at random: a few lines of code for each process. */
import { name, TIMEOUT, type MonitorRef, type Pid, type Self } from "@coppice/core";
import type { Program } from "@coppice/testkit";

export const acts = [
  "send",
  "sendToName",
  "sendToSelf",
  "receive",
  "receiveFor",
  "look",
  "exit",
  "kill",
  "end",
  "link",
  "unlink",
  "monitor",
  "demonitor",
  "trap",
  "register",
  "whereis",
  "isAlive",
  "links",
  "sendAfter",
  "cancel",
  "now",
  "read",
  "write",
  "spawn",
  "yield",
] as const;
type Act = (typeof acts)[number];

export interface Line {
  readonly act: Act;
  readonly to: number;
}

const Somebody = name<string>("somebody");

/** A process for each of `bodies`; `tell` is told at rest what each saw, in the order it saw it. */
export function programOf(
  bodies: readonly (readonly Line[])[],
  tell: (outcome: string) => void,
): Program {
  return (sim) => {
    const node = sim.node();
    const shared = sim.shared("x", 0);
    const logs = bodies.map((): string[] => []);
    const pids: Pid<string>[] = [];
    for (const [index, body] of bodies.entries()) {
      const log = logs[index] as string[];
      pids.push(
        node.spawnOpt<string>({ key: `p${index}` }, async (self) => {
          // Everybody is there before anyone begins.
          await self.yield();
          await play(self, body);
          for (;;) log.push(await self.receive());
        }),
      );
      const play = async (self: Self<string>, lines: readonly Line[]): Promise<void> => {
        let watch: MonitorRef | undefined;
        let timer: ReturnType<typeof self.sendAfter> | undefined;
        for (const { act, to } of lines) {
          const other = pids[(index + 1 + to) % pids.length] as Pid<string>;
          switch (act) {
            case "send":
              self.send(other, `${index}`);
              break;
            case "sendToName":
              self.send(Somebody, `${index} by name`);
              break;
            case "sendToSelf":
              self.send(self.pid, "mine");
              break;
            case "receive":
              log.push(await self.receive());
              break;
            case "receiveFor":
            case "look": {
              const got = await self.receive({ timeoutMs: act === "look" ? 0 : 5 });
              log.push(got === TIMEOUT ? "nothing" : got);
              break;
            }
            case "exit":
              self.exit(other, "stopped");
              break;
            case "kill":
              self.exit(other, "kill");
              break;
            case "end":
              return self.exit("done");
            case "link":
              self.link(other);
              break;
            case "unlink":
              self.unlink(other);
              break;
            case "monitor":
              watch = self.monitor(other, ({ reason }) => `down ${JSON.stringify(reason)}`);
              break;
            case "demonitor":
              if (watch !== undefined) log.push(`${self.demonitor(watch, { info: true })}`);
              break;
            case "trap":
              self.trapExits(({ reason }) => `exit ${JSON.stringify(reason)}`);
              break;
            case "register":
              try {
                self.register(Somebody);
              } catch (error) {
                log.push((error as Error).name);
              }
              break;
            case "whereis":
              log.push(`${self.whereis(Somebody) !== undefined}`);
              break;
            case "isAlive":
              log.push(`${self.isAlive(other)}`);
              break;
            case "links":
              log.push(`${self.processInfo(self.pid)?.links.length}`);
              break;
            case "sendAfter":
              timer = self.sendAfter(other, 5 + to, `${index} later`);
              break;
            case "cancel":
              if (timer !== undefined) log.push(`${self.cancelTimer(timer) !== false}`);
              break;
            case "now":
              log.push(`${self.now()}`);
              break;
            case "read":
              log.push(`x=${await shared.read(self, (value) => value)}`);
              break;
            case "write":
              await shared.write(self, (value) => value * 10 + index + 1);
              break;
            case "spawn":
              self.spawnLink<string>((child) => child.send(other, `child of ${index}`));
              break;
            case "yield":
              await self.yield();
              break;
            default:
              act satisfies never;
          }
        }
      };
    }
    sim.finally("told", () => {
      const alive = pids.map((pid) => node.isAlive(pid));
      tell(JSON.stringify([logs, alive, shared.now]));
    });
  };
}
