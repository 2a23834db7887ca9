/**
 * When records were last used, to a day, and how much time their use has saved.
 *
 * A hit only notes it in memory. What is noted is written in one transaction now
 * and then, and only for records that were not stored today. A program that only hits
 * writes nothing at all if it has saved little time, and the records were used that
 * day already.
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

/**
 * Time saved that is worth a write of its own, in ms: where nothing else is written,
 * SQLite waits for the disk four times until the database is closed.
 */
const WORTH_MS = 100;

/** The uses of the records of one cache by this program. */
export class LastUse {
  readonly #ids = new Set<number>();
  #saved = 0;

  /** Time saved that is not written yet, in ms. */
  get saved(): number {
    return this.#saved;
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

  /**
   * Writes what was noted.
   *
   * @param hasWritten Whether this program has written something else to the database.
   */
  flush(database: CacheDatabase, hasWritten: boolean): void {
    const saved = this.#saved;
    const worth = hasWritten ? saved : worthWriting(saved);
    if (this.#ids.size > 0 || worth > 0) {
      database.transact(() => {
        const isNew = this.#noteUses(database);
        const sum = isNew ? saved : worth;
        if (sum > 0) addToTotal(database, "saved", sum);
      });
    }
    this.#ids.clear();
    this.#saved = 0;
  }

  /** Writes the day of each use; whether there was something to write. */
  #noteUses(database: CacheDatabase): boolean {
    const day = today();
    const use = database.statement(
      `INSERT INTO uses SELECT id, ? FROM records WHERE id = ?
      ON CONFLICT (id) DO UPDATE SET day = excluded.day WHERE day < excluded.day`,
    );
    let changes = 0;
    for (const id of this.#ids) changes += Number(use.run(day, id).changes);
    return changes > 0;
  }
}

/** The time, if it is worth a write; a shorter one is rounded up or down by chance, so that the sums of many programs are right. */
function worthWriting(saved: number): number {
  if (saved >= WORTH_MS) return saved;
  return Math.random() * WORTH_MS < saved ? WORTH_MS : 0;
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
