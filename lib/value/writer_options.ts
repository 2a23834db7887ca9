/**
 * What a walk through a value is told.
 *
 * @module
 */

import type { LeafDigests } from "./encoded.ts";
import type { LeafMarks } from "./lent_leaf.ts";
import type { Transfers } from "./transfer.ts";

/** What to write, and how. */
export interface WriterOptions {
  /** How paths in messages begin. */
  readonly root: string;
  /** Whether to write the deterministic form instead of faithful bytes. */
  readonly deterministic: boolean;
  /** What an object of no known kind is written as: the index of a job, or its contribution. */
  readonly job: ((node: object) => number | Uint8Array | undefined) | undefined;
  /** Digests of binary leaves: known ones are used, computed ones added. */
  readonly digests: LeafDigests | undefined;
  /**
   * Given where no key is needed: the deterministic form has marks instead of the digests of
   * very large leaves, which are added here. It is no key, and the same marks are no proof of the same bytes.
   */
  readonly marks?: LeafMarks | undefined;
  /** Whether a file that was given by a relative path keeps it, instead of the absolute one. */
  readonly relative: boolean;
  /** Given where something may be there to be transferred: the buffers of that are added. */
  readonly transfers?: Transfers | undefined;
  /** Whether faithful bytes refer to shared memory as such, instead of to a copy of its bytes. */
  readonly inPlace?: boolean | undefined;
}
