/**
 * When records were last used, to a day, and how much time their use has saved.
 *
 * A hit only notes it in memory. What is noted is written in one transaction now
 * and then, and only for records that were not stored today.
 *
 * @module
 */

import type { CacheDatabase } from "./database.ts";
import { addToTotal } from "./sqlite_totals.ts";

/** A day, in ms. */
export const DAY_MS = 86_400_000;

/** Records noted after which it is time to write. */
const MANY = 4_096;

/** Records noted after which no more are, where nothing can be written. */
const TOO_MANY = 65_536;

/** The uses of the records of one cache by this program. */
export class LastUse {
  readonly #ids = new Set<number>();
  #saved = 0;

  /** Time saved that is not written yet, in ms. */
  get saved(): number {
    return this.#saved;
  }

  /** Whether there is anything to write. */
  get isEmpty(): boolean {
    return this.#saved === 0 && this.#ids.size === 0;
  }

  /** Notes a hit; whether it is time to write. */
  note(id: unknown, storedAt: unknown, duration: unknown): boolean {
    // The columns are not checked at a lookup, so they may be anything.
    if (typeof duration === "number" && duration > 0) this.#saved += duration;
    if (
      typeof id !== "number" || typeof storedAt !== "number" ||
      today() <= dayOf(storedAt) || this.#ids.size === TOO_MANY
    ) return false;
    const before = this.#ids.size;
    this.#ids.add(id);
    return this.#ids.size > before && this.#ids.size % MANY === 0;
  }

  /** Writes what was noted. */
  flush(database: CacheDatabase): void {
    if (this.isEmpty) return;
    const day = today();
    database.transact(() => {
      const use = database.statement(
        `INSERT INTO uses SELECT id, ? FROM records WHERE id = ?
        ON CONFLICT (id) DO UPDATE SET day = excluded.day WHERE day < excluded.day`,
      );
      for (const id of this.#ids) use.run(day, id);
      if (this.#saved > 0) addToTotal(database, "saved", this.#saved);
    });
    this.#ids.clear();
    this.#saved = 0;
  }
}

/** The last use of a record as far as it is known, in ms since the epoch. */
export function usedAt(storedAt: unknown, day: unknown): number {
  return Math.max(
    Number(storedAt),
    typeof day === "number" ? day * DAY_MS : 0,
  );
}

function dayOf(time: number): number {
  return Math.floor(time / DAY_MS);
}

function today(): number {
  return dayOf(Date.now());
}
