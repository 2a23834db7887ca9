/**
 * The objects that a walk has met.
 *
 * @module
 */

/** Objects of which so few were met are looked for one by one. */
const FEW = 8;

/** A set of objects that is quick where it has few of them, as in most values. */
export class MetObjects {
  readonly #few: (object | undefined)[] = [];
  #fewCount = 0;
  #many: Set<object> | undefined;

  /** Whether an object was met before; if not, it has been now. */
  meet(object: object): boolean {
    if (this.#many === undefined) {
      const few = this.#few;
      const count = this.#fewCount;
      for (let i = 0; i < count; i++) if (few[i] === object) return true;
      if (count < FEW) {
        few[count] = object;
        this.#fewCount = count + 1;
        return false;
      }
      this.#many = new Set(few as object[]);
    }
    // One look-up instead of two: the size tells.
    const { size } = this.#many;
    return this.#many.add(object).size === size;
  }

  /** Lets go of all of them. */
  clear(): void {
    for (let i = 0; i < this.#fewCount; i++) this.#few[i] = undefined;
    this.#fewCount = 0;
    this.#many = undefined;
  }
}
