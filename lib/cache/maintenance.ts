/**
 * What those who look after a database need of its store.
 *
 * @module
 */

import type { BlobFiles } from "./blobs.ts";
import type { CacheFolder } from "./folder.ts";
import type { Limits } from "./limits.ts";
import type { Opened } from "./opened.ts";

/** A store that is looked after. */
export interface Maintained {
  readonly folder: CacheFolder;
  readonly blobs: BlobFiles;
  readonly limits: Limits;
  /**
   * Does something with the open database, and again with its successor if it turns
   * out to be damaged.
   *
   * @throws {CacheError} if it cannot be done.
   */
  change<R>(action: (opened: Opened) => R): R;
  /** How many damaged databases were replaced since this was asked last. */
  takeDamaged(): number;
  /** Says something once. */
  warn(message: string): void;
}
