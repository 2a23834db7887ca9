/**
 * Where the outcome of a job is looked up, and where it goes.
 *
 * @module
 */

import { recordStoreOf } from "./cache/job_cache.ts";
import type { RecordStore } from "./cache/record.ts";
import type { JobState } from "./job_state.ts";

/** The store of a job's cache; `undefined` if it has none. */
export function storeOf(state: JobState): RecordStore | undefined {
  const { cache, jobCache } = state.options;
  return cache && jobCache !== null ? recordStoreOf(jobCache) : undefined;
}
