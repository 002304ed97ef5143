/** Lists of the members of groups, in which one may be several times. */
import type { AnyPid } from "@coppice/core";

export type Members = Map<string, AnyPid[]>;

/** How often each process is in each group. */
export type Counts = ReadonlyMap<string, Map<AnyPid, number>>;

export function listOf(members: Members, group: string): AnyPid[] {
  let list = members.get(group);
  if (list === undefined) members.set(group, (list = []));
  return list;
}

export function removeOne(members: Members, group: string, pid: AnyPid): boolean {
  const list = members.get(group);
  const place = list?.indexOf(pid) ?? -1;
  if (list === undefined || place === -1) return false;
  list.splice(place, 1);
  if (list.length === 0) members.delete(group);
  return true;
}

export function countsOf(members: Members): Counts {
  const all = new Map<string, Map<AnyPid, number>>();
  for (const [group, pids] of members) {
    const counts = new Map<AnyPid, number>();
    for (const pid of pids) counts.set(pid, (counts.get(pid) ?? 0) + 1);
    all.set(group, counts);
  }
  return all;
}

export function takeOne(counts: Map<AnyPid, number>, pid: AnyPid): boolean {
  const times = counts.get(pid) ?? 0;
  if (times > 1) counts.set(pid, times - 1);
  else counts.delete(pid);
  return times > 0;
}
