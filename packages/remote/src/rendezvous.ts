/**
 * Rendezvous hashing: which of several nodes a name belongs to. All who know the same nodes choose the
 * same one, and when a node is taken off the list, its names alone move.
 */

/** The member that keeps `name`; the order of the list does not matter. */
export function registrarOf(members: readonly string[], name: string): string {
  let best = members[0] as string;
  let bestScore = scoreOf(best, name);
  for (const member of members.slice(1)) {
    const score = scoreOf(member, name);
    if (score > bestScore || (score === bestScore && member < best)) {
      best = member;
      bestScore = score;
    }
  }
  return best;
}

/** FNV-1a over UTF-16 units, then mixed: the last letters alone would decide too much. */
function scoreOf(member: string, name: string): number {
  let hash = 0x811c9dc5;
  // A node's name has no control characters.
  for (const unit of `${member}\n${name}`) {
    hash = Math.imul(hash ^ (unit.codePointAt(0) as number), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
