/**
 * `gc` of the portable layout, and the sums that are right after it.
 *
 * @module
 */

import { unlessFull } from "./failure.ts";
import { overLimit } from "./limits.ts";
import { collectPortable } from "./portable_collect.ts";
import type { Evictable } from "./portable_eviction.ts";
import type { PortableKeeper } from "./portable_keeper.ts";
import { recount } from "./portable_recount.ts";
import type { PortableTotals, State } from "./portable_totals.ts";
import type { CollectOptions, CollectReport } from "./report.ts";

/** How often `gc` counts where others delete meanwhile. */
const COUNTS = 3;

/** Deletes what is over the limits and what nothing refers to, and puts the sums right. */
export async function collectAndCount(
  keeper: PortableKeeper,
  totals: PortableTotals,
  path: string,
  cache: Evictable,
  options: CollectOptions,
): Promise<CollectReport> {
  let before: State | undefined;
  // Without room to write it down, all is counted in the end.
  keeper.change(
    "collect garbage in",
    () => unlessFull(() => before = totals.beforeCount()),
  );
  using _ = totals.deleting();
  const { report, counted, needed } = await keeper.told(
    "collect garbage in",
    collectPortable(cache, options, (bytes) => {
      totals.add(-bytes, 0);
      // Should this end in between, nobody is to delete more for what is gone.
      totals.tryWrite();
    }),
  );
  keeper.change(
    "collect garbage in",
    () =>
      unlessFull(() =>
        before !== undefined && totals.correct(counted, before, true).isDone ||
        countAgain(totals, cache)
      ),
  );
  const { maxSize } = options;
  // What others are about to store, or left behind, goes when it is old.
  if (maxSize !== undefined && needed > maxSize) {
    const message = overLimit(path, needed, maxSize, !cache.pins.isEmpty);
    keeper.warn(message, message);
  }
  return report;
}

/** Counts anew where others deleted, or corrected the sums, while garbage was collected. */
function countAgain(totals: PortableTotals, cache: Evictable): void {
  for (let attempt = 0; attempt < COUNTS; attempt++) {
    const before = totals.beforeCount();
    const { bytes } = recount(
      cache,
      "",
      () => totals.beginDelete(),
      (freed) => totals.add(-freed, 0),
    );
    if (totals.correct(bytes, before, true).isDone) return;
  }
}
