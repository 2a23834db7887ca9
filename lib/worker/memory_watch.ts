/**
 * How much memory a worker takes when it has nothing to do.
 *
 * @module
 */

import { collector } from "../garbage.ts";

/** The limit of a worker that stands above it when it has no job. */
export interface IdleMemory {
  /** In bytes. */
  readonly limit: number;
  /** Whether all of the process counts, or what this thread has of it. */
  readonly ofProcess: boolean;
}

/** Whether the worker stands above its limit, also without what is garbage. */
export function isAbove(memory: IdleMemory): boolean {
  if (taken(memory) <= memory.limit) return false;
  collector()?.({ type: "major" });
  return taken(memory) > memory.limit;
}

/** How many bytes the worker has. */
export function taken({ ofProcess }: IdleMemory): number {
  const { rss, heapTotal, external } = Deno.memoryUsage();
  return ofProcess ? rss : heapTotal + external;
}
