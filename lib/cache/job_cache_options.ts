/**
 * What a user says of a cache.
 *
 * @module
 */

import type { Keep } from "./limits.ts";
import type { UpstreamOptions } from "./upstream.ts";

/** Options of a `JobCache`. */
export interface JobCacheOptions {
  /**
   * The folder, as a path or a `file:` URL, which may be text too. By default the environment variable
   * `HITHER_CACHE_DIR` names it; else it is `.hither` beside the nearest
   * `deno.json` at or above the main module, else beside the main module, else in the
   * working directory.
   */
  readonly path?: string | URL | undefined;
  /** Whether to look only: nothing is stored, nothing in the folder changes. */
  readonly readonly?: boolean | undefined;
  /**
   * How records are kept: `"sqlite"`, in one SQLite file, or `"files"`, in a file for
   * each, which also serves on network disks and can be published as it is. By default
   * `"auto"`: what is there already; for a new cache `"files"` on a network disk,
   * else `"sqlite"`.
   */
  readonly layout?: "auto" | "sqlite" | "files" | undefined;
  /**
   * The most bytes on disk, as `stats().bytes` counts them: the pages of the database that
   * are in use, or the files of records and code, and blobs. It is kept as results are
   * stored: others make room before the job settles. Those go first that are large, were
   * not used for long and are quick to compute again. Beside it stands what is just being
   * written, and with `"sqlite"` the log of the last changes, of up to 16 MB.
   *
   * A result for which there is no room is given and not kept, with a warning. No job of
   * this program loses its result as this program makes room: what it still has in the
   * cache comes into memory first, up to 256 MiB; blobs beyond that stay on disk until the
   * jobs are garbage. What other programs delete meanwhile is computed again by
   * `await job`, once among them, and stays in memory from then on; `getResult` throws
   * a `ResultLostError`. No limit by default.
   */
  readonly maxSize?: number | undefined;
  /**
   * The longest time since the last use of a record, in ms, to a day; older ones go little
   * by little, as others are stored, and with `gc()`. No limit by default.
   */
  readonly maxAge?: number | undefined;
  /** Functions and labels of functions whose records are kept whatever the limits. */
  readonly keep?: Keep | undefined;
  /**
   * Where to look, in this order, for what is not in the folder: other cache folders,
   * and servers that have one in the layout `"files"` as plain files. All that comes from
   * there is checked and stored here; nothing is ever written there. None by default.
   */
  readonly upstream?: readonly (string | URL | UpstreamOptions)[] | undefined;
}
