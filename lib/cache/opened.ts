/**
 * An open database of a cache and what is known of it.
 *
 * @module
 */

import type { CacheDatabase } from "./database.ts";
import type { Interned } from "./interned.ts";

/** An open database and what is known of its interned rows. */
export interface Opened {
  readonly database: CacheDatabase;
  readonly interned: Interned;
  /** Whether the index of keys was looked at. */
  ordered: boolean;
}
