/** Problems: what keeps the run from its goal and a user can do something about; the message is for them. */

export class Problem extends Error {
  override readonly name = "Problem";
}
