/** Events in line: a list that is never changed, so that engines before and after an event share it. */
import type { StateMachineEvent } from "./statem-event.js";

/** The first event and those behind it; `undefined` when there are none. */
export type EventQueue =
  { readonly first: StateMachineEvent; readonly rest: EventQueue } | undefined;

/** Puts events before all others, in their order. */
export function putFirst(events: readonly StateMachineEvent[], queue: EventQueue): EventQueue {
  return events.reduceRight<EventQueue>((rest, first) => ({ first, rest }), queue);
}

/** Puts those of a queue, last one first, before all others. */
export function putFirstReversed(events: EventQueue, queue: EventQueue): EventQueue {
  let result = queue;
  for (let each = events; each !== undefined; each = each.rest) {
    result = { first: each.first, rest: result };
  }
  return result;
}

/** The events, first one first. */
export function eventsIn(queue: EventQueue): StateMachineEvent[] {
  const events: StateMachineEvent[] = [];
  for (let each = queue; each !== undefined; each = each.rest) events.push(each.first);
  return events;
}
