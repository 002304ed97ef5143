/** What happened before each step of a run: a row of bits for each, and sets of steps as rows of their own. */

export class BitRows {
  /** So many words are a row. */
  stride = 1;
  words: Int32Array = new Int32Array(64 * 4);

  /** Room for a run of so many steps; what was there stays. */
  makeRoom(length: number, rows: number): void {
    const stride = Math.max(1, (length + 31) >> 5);
    if (stride > this.stride) {
      const wider = new Int32Array(Math.max(64, 2 * length) * stride * 2);
      for (let row = 0; row < rows; row++) {
        for (let word = 0; word < this.stride; word++) {
          wider[row * stride + word] = this.words[row * this.stride + word] ?? 0;
        }
      }
      this.words = wider;
      this.stride = stride;
    } else if (length * this.stride > this.words.length) {
      const longer = new Int32Array(length * this.stride * 2);
      longer.set(this.words);
      this.words = longer;
    }
  }

  clear(step: number): void {
    const row = step * this.stride;
    this.words.fill(0, row, row + this.stride);
  }

  /** Did `before` happen before `step`? */
  has(step: number, before: number): boolean {
    const word = this.words[step * this.stride + (before >> 5)] as number;
    return (word & (1 << (before & 31))) !== 0;
  }

  /** Has what happened before a step anything in common with a set? */
  meets(step: number, set: Int32Array): boolean {
    const row = step * this.stride;
    for (let word = 0; word < this.stride; word++) {
      if (((this.words[row + word] as number) & (set[word] as number)) !== 0) return true;
    }
    return false;
  }

  /** Adds a step, and all that happened before it, to what happened before another. */
  merge(into: number, step: number): void {
    this.#merge(this.words, into * this.stride, step);
  }

  /** The same for a set. */
  mergeInto(set: Int32Array, step: number): void {
    this.#merge(set, 0, step);
  }

  #merge(into: Int32Array, row: number, step: number): void {
    into[row + (step >> 5)]! |= 1 << (step & 31);
    const from = step * this.stride;
    for (let word = 0; word < this.stride; word++) {
      into[row + word]! |= this.words[from + word] as number;
    }
  }
}

export function isInSet(set: Int32Array, step: number): boolean {
  return ((set[step >> 5] as number) & (1 << (step & 31))) !== 0;
}

export function addToSet(set: Int32Array, step: number): void {
  set[step >> 5]! |= 1 << (step & 31);
}
