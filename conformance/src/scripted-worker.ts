/** Workers under a supervisor that do as their script says. */
import type {
  AnyPid,
  Exit,
  Self,
  Startable,
  Starter,
  StartOptions,
  StartResult,
} from "@coppice/core";
import type { Scope } from "./op.js";
import type { Json, JsonObject } from "./program.js";
import { Raised } from "./raised.js";
import { decode, isArray, type Value } from "./term.js";
import { endByError, reasonOfTerm, termOfMessage } from "./translation.js";
import type { World } from "./world.js";

/** What an attempt to start comes to: `"ok"`, `["error", R]`, `["sleep", ms, outcome]`, … */
type Outcome = string | readonly [kind: string, ...rest: Json[]];

/** What orders a worker to raise something. */
export const ORDER = "$do";

export class ScriptedWorker implements Startable<unknown, Value[]> {
  readonly #world: World;
  readonly #id: string;
  readonly #script: JsonObject;
  readonly #scope: Scope;

  constructor(world: World, id: string, script: JsonObject, scope: Scope) {
    this.#world = world;
    this.#id = id;
    this.#script = script;
    this.#scope = new Map(scope);
  }

  /** @param extra what a child of a dynamic supervisor is started with */
  start(
    starter: Starter,
    options: StartOptions<unknown>,
    ...extra: Value[]
  ): StartResult<unknown> | Promise<StartResult<unknown>> {
    const { name, number } = this.#world.instances.attempt(this.#id);
    const outcome = this.#outcomeOf(number);
    const entry: Json[] = ["start", name, outcome as Json];
    entry.push(...extra.map((argument) => this.#world.encode(argument)));
    if (isArray(outcome) && outcome[0] === "raw") {
      this.#world.log.push(entry);
      return startResultOf(this.#decode(outcome[1]));
    }
    return starter.spawnAndWait<unknown>(options, async (self) => {
      if (this.#script.trap === true) self.trapExits();
      const lives = doesStart(outcome);
      const { pid } = self;
      this.#world.arrive({ id: this.#id, name, pid, parent: starter.pid, kind: "worker", lives });
      this.#world.log.push(entry);
      await this.#begin(self, outcome, starter.pid);
    });
  }

  #outcomeOf(attempt: number): Outcome {
    const starts = (this.#script.starts ?? []) as readonly Outcome[];
    return starts[Math.min(attempt, starts.length) - 1] ?? "ok";
  }

  async #begin(self: Self<unknown>, outcome: Outcome, parent: AnyPid): Promise<void> {
    const [kind, content, next] = typeof outcome === "string" ? [outcome] : outcome;
    switch (kind) {
      case "ok":
        self.initAck(content === undefined ? {} : { info: this.#decode(content) as never });
        return this.#work(self, parent);
      case "ignore":
        self.initAck("ignore");
        return undefined;
      case "error": {
        const reason = reasonOfTerm(this.#decode(content));
        self.initAck({ error: reason });
        return self.exit(reason);
      }
      case "exit":
        return self.exit(reasonOfTerm(this.#decode(content)));
      case "crash":
        return endByError(self, new Raised("error", this.#decode(content)));
      case "sleep":
        await self.sleep(content as number);
        return this.#begin(self, next as Outcome, parent);
      default:
        throw new TypeError(`no such outcome: ${JSON.stringify(outcome)}`);
    }
  }

  async #work(self: Self<unknown>, parent: AnyPid): Promise<void> {
    for (;;) {
      const message = await self.receive();
      const term = termOfMessage(message);
      if (!isArray(term)) continue;
      const [tag, kind, reason] = term;
      if (tag === ORDER && kind === "exit") self.exit(reasonOfTerm(reason as Value));
      if (tag === ORDER) endByError(self, new Raised("error", reason as Value));
      if (tag === "EXIT" && kind === parent) await this.#toldToExit(self, message as Exit);
    }
  }

  async #toldToExit(self: Self<unknown>, { reason }: Exit): Promise<void> {
    const reaction = (this.#script.on_shutdown ?? "exit") as string | readonly Json[];
    if (reaction === "ignore") return;
    if (isArray(reaction) && reaction[0] === "sleep") await self.sleep(reaction[1] as number);
    if (isArray(reaction) && reaction[0] === "exit") {
      self.exit(reasonOfTerm(this.#decode(reaction[1])));
    }
    self.exit(reason);
  }

  #decode(term: Json | undefined): Value {
    return decode(term ?? null, (name) => this.#scope.get(name));
  }
}

function doesStart(outcome: Outcome): boolean {
  const [kind, , next] = typeof outcome === "string" ? [outcome] : outcome;
  return kind === "ok" || (kind === "sleep" && doesStart(next as Outcome));
}

/** What a start function returns that returns a term of Erlang. What is none of a start stays as it is. */
function startResultOf(term: Value): StartResult<unknown> {
  if (!isArray(term)) return term as "ignore";
  const [tag, content, info] = term;
  if (tag === "ok" && term.length === 2) return { pid: content as never };
  if (tag === "ok" && term.length === 3) return { pid: content as never, info: info as never };
  if (tag === "error" && term.length === 2) return { error: reasonOfTerm(content as Value) };
  return term as never;
}
