/**
 * Why a job was a hit or a miss.
 *
 * @module
 */

import { recordStoreOf } from "./cache/job_cache.ts";
import type { KeyPart, NearestRecord } from "./cache/record.ts";
import defer * as snapshots from "./code/snapshot.ts";
import { codeChanges } from "./function_info.ts";
import type { JobOptions, JobState } from "./job_state.ts";
import { areAll } from "./value/parts.ts";
import defer * as previews from "./value/preview_difference.ts";

/** One difference between a job and a record; see {@linkcode Explanation}. */
export interface Difference {
  /** What differs: the path of an argument as `args[0].bandwidth`, or `version`, or `code`. */
  readonly path: string;
  /**
   * What the record has, as one would write it, perhaps cut; `absent` if it has no such
   * part, `undefined` if nothing of it is kept, and for `code`. Of a file, of a Map or of
   * the result of a job, which is shown by its name, the job may have the same.
   */
  readonly stored: string | undefined;
  /** What the job has, likewise; for `code` what changed, as `./stats.ts changed`, or that it is part of the key now, or no more. */
  readonly now: string | undefined;
}

/**
 * Why a job was a hit or a miss.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const f = hi.func("explanation_f", "1", (x: number) => x);
 * const job = f.run(1);
 * await job;
 * const explanation: hi.Explanation = job.explain();
 * console.assert(explanation.status === "uncached");
 * ```
 */
export interface Explanation {
  /**
   * `hit`: the outcome was in the cache; `miss`: it was not; `forced`: nobody
   * looked; `uncached`: the job has no cache; `pending`: its arguments are not there yet.
   */
  readonly status: "hit" | "miss" | "forced" | "uncached" | "pending";
  /** The key of the nearest record of the same function; `undefined` if there is none. */
  readonly nearest: string | undefined;
  /** What differs from that record. */
  readonly differences: readonly Difference[];
  /** All of it in one line. */
  readonly text: string;
}

/** Explains a job. */
export function explainState(state: JobState): Explanation {
  const { name, version } = state.definition;
  const { cache, jobCache, forceRun } = state.options;
  const plain = (status: Explanation["status"], why: string): Explanation => ({
    status,
    nearest: undefined,
    differences: [],
    text: `${name} ${version}: ${why}`,
  });
  if (state.remote !== undefined) return plain(...explainRemote(state));
  if (!cache) return plain("uncached", "the function keeps no results");
  if (jobCache === null) return plain("uncached", "no cache was in force");
  if (state.key === undefined) {
    return plain("pending", "its arguments are not there yet");
  }
  if (state.hit) return plain("hit", hitText(state));
  if (state.wasLost) {
    return plain("miss", "its stored result is damaged or gone");
  }
  if (forceRun) return plain("forced", "it was to run in any case");
  if (state.hasStoredError) {
    return plain(
      "miss",
      `its stored outcome is an error, which is run again by ${
        rerunBy(state.options)
      }`,
    );
  }
  const { parts, preview } = state.description ?? { parts: [], preview: "" };
  const store = recordStoreOf(jobCache);
  const nearest = store.nearest(
    name,
    {
      parts,
      distanceOf: (fn) =>
        Number(fn.version !== version) + codeChanges(state, fn, store).length,
    },
    state.key,
    state.submittedAt,
  );
  if (nearest === undefined) {
    return plain("miss", "the cache has no other record of this function");
  }
  const differences = differencesOf(version, parts, nearest)
    .flatMap(inDetail(nearest.details.preview, preview));
  const changes = codeChanges(state, nearest.fn, store);
  if (changes.length > 0) {
    differences.push({
      path: "code",
      stored: undefined,
      now: snapshots.listed(changes),
    });
  }
  const isModule = state.definition.code.kind === "module";
  if (differences.length === 0 && isModule && areAll(parts)) {
    // All else that enters a key is equal.
    differences.push({
      path: "code",
      stored: undefined,
      now: state.options.code === "auto"
        ? 'part of the key now, by code: "auto"'
        : `no part of the key now, by code: "${state.options.code}"`,
    });
  }
  const listed = differences.map(asText).join(", ");
  return {
    status: "miss",
    nearest: nearest.key,
    differences,
    text: `${name} ${version}: not in the cache; against the nearest record ${
      listed || "a part differs that is not kept"
    }`,
  };
}

/** The options by which a stored error does not count. */
function rerunBy({ cacheFailing, rerunFailing }: JobOptions): string {
  return [
    ...cacheFailing ? [] : ["cacheFailing: false"],
    ...rerunFailing ? ["rerunFailing: true"] : [],
  ].join(" and ");
}

/** Of a job that a job in a worker has submitted, only the program knows more. */
function explainRemote(
  { hit, key }: JobState,
): [Explanation["status"], string] {
  if (hit) return ["hit", "its outcome was in the cache"];
  return key === undefined
    ? ["pending", "its arguments are not there yet"]
    : ["miss", "its outcome was not taken from the cache of the program"];
}

/** Where the outcome of a hit was. */
export function hitText({ from }: JobState): string {
  return from === undefined
    ? "its outcome was in the cache"
    : `its outcome was in the upstream cache ${from}`;
}

function differencesOf(
  version: string,
  parts: readonly KeyPart[],
  nearest: NearestRecord,
): Difference[] {
  const kept = nearest.details.parts;
  const stored = new Map(kept.map((part) => [part.path, part]));
  const differences: Difference[] = [];
  if (nearest.fn.version !== version) {
    differences.push({
      path: "version",
      stored: nearest.fn.version,
      now: version,
    });
  }
  for (const { path, digest, text } of parts) {
    const other = stored.get(path);
    stored.delete(path);
    if (other === undefined) {
      differences.push({ path, stored: shapeAt(path, kept), now: text });
    } else if (other.digest !== digest) {
      differences.push({ path, stored: other.text, now: text });
    }
  }
  for (const { path, text } of stored.values()) {
    differences.push({ path, stored: text, now: shapeAt(path, parts) });
  }
  return outermost(differences);
}

/** Tells more of differences in parts of which a record keeps no text, as far as the previews show it. */
function inDetail(
  storedPreview: string,
  preview: string,
): (difference: Difference) => readonly Difference[] {
  const [before, after] = [storedPreview, preview].map((text) =>
    previews.shownParts(text, "args")
  );
  return (difference) => {
    const { path, stored, now } = difference;
    if (stored !== undefined && now !== undefined) return [difference];
    const left = before!.get(path), right = after!.get(path);
    if (left === undefined || right === undefined) {
      return [{ path, stored: stored ?? left?.text, now: now ?? right?.text }];
    }
    const found = previews.shownDifferences(left, right, path);
    if (found.length === 0) return [difference];
    return found.map(({ path, left = ABSENT, right = ABSENT }) => ({
      path,
      stored: left,
      now: right,
    }));
  };
}

function asText({ path, stored, now }: Difference): string {
  if (path.startsWith("permissions.")) {
    // Of files and folders only the digests are kept.
    if (stored === ABSENT) return `${path} is new`;
    return `${path} ${now === ABSENT ? "is gone" : "changed"}`;
  }
  // Of one side nothing is known, and little of the other.
  if ([stored, now].every((text) => text === undefined || SHAPES.has(text))) {
    if (stored === undefined || now === undefined) return `${path} differs`;
  }
  if (path === "code") return `code: ${now}`;
  if (stored === now && !stored!.startsWith('"')) {
    return `${path}: ${now}: content changed`;
  }
  const change = `${written(stored, now)} \u2192 ${written(now, stored)}`;
  return path === "version" ? `version ${change}` : `${path}: ${change}`;
}

const ABSENT = "absent";
const LIST = "[\u2026]";
const OBJECT = "{\u2026}";
const SHAPES: ReadonlySet<string> = new Set([LIST, OBJECT]);

/** A text beside the one that it differs from, which may look the same. */
function written(text: string | undefined, other: string | undefined): string {
  if (text === undefined) return "(long)";
  if (text !== other) return text;
  return text.replaceAll(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** What stands at a path of which nothing is kept: a value with parts of its own, or nothing. */
function shapeAt(path: string, parts: readonly KeyPart[]): string {
  const inside = parts.find((part) => isInside(part.path, path));
  if (inside === undefined) return ABSENT;
  return /^\[\d/.test(inside.path.slice(path.length)) ? LIST : OBJECT;
}

function isInside(path: string, outer: string): boolean {
  return path.length > outer.length && path.startsWith(outer) &&
    /^[.[]/.test(path.slice(outer.length));
}

/** Without the parts of a value that is of another kind than before, and as a whole is told of. */
function outermost(differences: readonly Difference[]): Difference[] {
  return differences.filter(({ path }) =>
    !differences.some((other) => isInside(path, other.path))
  );
}
