/** Permissions that users' functions give, and what comes of a promise where none is due. */

/** What is anything but `true` is no permission: a promise, or what fails over the question of a stranger. */
export function isGranted(ask: () => unknown): boolean {
  try {
    const answer = ask();
    neglect(answer);
    return answer === true;
  } catch {
    return false;
  }
}

/** If it is a promise, nobody else will see its end. */
export function neglect(value: unknown): void {
  void Promise.resolve(value).catch(() => undefined);
}
