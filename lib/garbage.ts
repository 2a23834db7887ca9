/**
 * The collection of garbage at a moment of our choice.
 *
 * @module
 */

import defer * as process from "node:process";

/** Collects garbage: what is young, or everything. */
type Collect = (options: { type: "minor" | "major" }) => void;

let collect: Collect | undefined;

/**
 * V8's own function for it, without making it a global of the user's code. The flag is
 * one for all threads: where another one has just taken it back there is none now, and
 * the next time will do.
 */
export function collector(): Collect | undefined {
  if (collect !== undefined) return collect;
  const v8 = process.getBuiltinModule("node:v8");
  v8.setFlagsFromString("--expose-gc");
  collect = process.getBuiltinModule("node:vm")
    .runInNewContext("globalThis.gc");
  v8.setFlagsFromString("--no-expose-gc");
  return collect;
}

/** From so many bytes on that nobody needs any more they are looked for. */
const WORTHWHILE = 33_554_432;

/** Gives shared memory back, of which V8 does not know that it is large. */
export class SharedGarbage {
  #bytes = 0;

  /** Nobody refers to so many bytes any more, but what is garbage. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < WORTHWHILE) return;
    this.#bytes = 0;
    collector()?.({ type: "major" });
  }
}

/** So much is shared at least before garbage is looked for. */
const LEAST_SHARED = 134_217_728;

/** How much shared memory a program holds, and gives back when that has doubled. */
export class SharedHoldings {
  readonly #known = new WeakSet<SharedArrayBuffer>();
  readonly #gone = new FinalizationRegistry<number>((bytes) => {
    this.#bytes -= bytes;
  });
  #bytes = 0;
  /** How much of that has come since garbage was looked for. */
  #recent = 0;

  /** The program holds this as well. */
  add(memory: SharedArrayBuffer): void {
    if (this.#known.has(memory)) return;
    this.#known.add(memory);
    this.#gone.register(memory, memory.byteLength);
    this.#bytes += memory.byteLength;
    this.#recent += memory.byteLength;
  }

  /** There is to be room for more. */
  makeRoom(): void {
    const older = this.#bytes - this.#recent;
    if (this.#recent < Math.max(LEAST_SHARED, older)) return;
    this.#recent = 0;
    collector()?.({ type: "major" });
  }
}
