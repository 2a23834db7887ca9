/**
 * Checks what those ask for who make a cache, and who look after it.
 *
 * @module
 */

import { givenPath } from "../value/given_path.ts";
import { resolve } from "../value/paths.ts";
import type { JobCacheOptions } from "./job_cache_options.ts";
import type { LayoutOption } from "./layout.ts";
import { checkLimits, type Limits } from "./limits.ts";
import type {
  CollectOptions,
  RecordFilter,
  RecordSummary,
  WorkOptions,
} from "./report.ts";
import defer * as upstreams from "./upstream.ts";
import type { CheckedUpstream } from "./upstream.ts";

/** The fewest digits of a key that may stand for it. */
const LEAST_DIGITS = 4;

/** Keys that a message names where several begin alike. */
const NAMED = 4;

/** The options, checked. */
export interface CheckedOptions extends Limits {
  readonly path: string | undefined;
  readonly readonly: boolean;
  readonly layout: LayoutOption;
  readonly upstream: readonly CheckedUpstream[];
}

/**
 * The options, if they are some.
 *
 * @throws {TypeError} if one is not what it must be.
 */
export function checkOptions(
  options: JobCacheOptions,
): CheckedOptions {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot make a JobCache as its options must be an object: current value is ${
        String(options)
      }`,
    );
  }
  const {
    path,
    readonly = false,
    layout = "auto",
    maxSize,
    maxAge,
    keep,
    upstream,
    ...others
  } = options;
  for (const name of Object.keys(others)) {
    throw new TypeError(
      `Cannot make a JobCache as it has no option ${name}: its options are path, readonly, layout, maxSize, maxAge, keep and upstream`,
    );
  }
  if (typeof readonly !== "boolean") {
    throw new TypeError(
      `Cannot make a JobCache as readonly must be a boolean: current value is ${
        String(readonly)
      }`,
    );
  }
  if (layout !== "auto" && layout !== "sqlite" && layout !== "files") {
    throw new TypeError(
      `Cannot make a JobCache as layout must be "auto", "sqlite" or "files": current value is ${
        String(layout)
      }`,
    );
  }
  return {
    path: path === undefined
      ? undefined
      : folderOf(path, "Cannot make a JobCache"),
    readonly,
    layout,
    upstream: upstream === undefined
      ? []
      : upstreams.checkUpstreams(upstream, "Cannot make a JobCache"),
    ...checkLimits({ maxSize, maxAge, keep }, "Cannot make a JobCache"),
  };
}

/** The folder that a user names. */
export function folderOf(given: unknown, cannot: string): string {
  return resolve(givenPath(given, cannot, "name a folder on a disk"));
}

/**
 * The filter, if it is one.
 *
 * @throws {TypeError} if it is not what it must be.
 */
export function checkFilter(filter: RecordFilter): RecordFilter {
  const cannot = "Cannot list records";
  if (typeof filter !== "object" || filter === null) {
    throw new TypeError(
      `${cannot} as the filter must be an object: current value is ${
        String(filter)
      }`,
    );
  }
  const { name, version, label, status, keyPrefix, limit, ...others } = filter;
  for (const other of Object.keys(others)) {
    throw new TypeError(
      `${cannot} as the filter has no ${other}: it has name, version, label, status, keyPrefix and limit`,
    );
  }
  for (const [what, text] of Object.entries({ name, version, label })) {
    if (text === undefined || typeof text === "string") continue;
    throw new TypeError(
      `${cannot} as the ${what} must be text: current value is ${String(text)}`,
    );
  }
  if (status !== undefined && status !== "finished" && status !== "error") {
    throw new TypeError(
      `${cannot} as the status must be "finished" or "error": current value is ${
        String(status)
      }`,
    );
  }
  if (
    keyPrefix !== undefined &&
    !(typeof keyPrefix === "string" && /^[0-9a-f]{0,64}$/.test(keyPrefix))
  ) {
    throw new TypeError(
      `${cannot} as the keyPrefix must be at most 64 hexadecimal digits: current value is ${
        String(keyPrefix)
      }`,
    );
  }
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) {
    throw new TypeError(
      `${cannot} as the limit must be a whole number of 0 or more: current value is ${
        String(limit)
      }`,
    );
  }
  return filter;
}

/**
 * The options, if they are some.
 *
 * @throws {TypeError} if one is not what it must be.
 */
export function checkCollectOptions(options: CollectOptions): CollectOptions {
  const cannot = "Cannot collect garbage";
  const names = ["maxSize", "maxAge", "grace", ...WORK_OPTIONS];
  checkNames(options, names, cannot);
  checkLimits(options, cannot);
  const { grace } = options;
  if (
    grace !== undefined &&
    !(typeof grace === "number" && Number.isFinite(grace) && grace >= 0)
  ) {
    throw new TypeError(
      `${cannot} as grace must be a number of ms of 0 or more: current value is ${
        String(grace)
      }`,
    );
  }
  return options;
}

const WORK_OPTIONS = ["signal", "onProgress"];

/**
 * Checks options of `verify`.
 *
 * @throws {TypeError} if one is not what it must be.
 */
export function checkWorkOptions(options: WorkOptions): WorkOptions {
  checkNames(options, WORK_OPTIONS, "Cannot verify");
  return options;
}

const TRANSFER_OPTIONS = ["filter", ...WORK_OPTIONS];

/**
 * Checks the names of the options of `export` and `import`.
 *
 * @throws {TypeError} if there is another one.
 */
export function checkTransferOptions(
  options: unknown,
  own: "sign" | "trust",
  cannot: string,
): void {
  const fields = ["name", "version", "label", "status", "keyPrefix"];
  const field = typeof options === "object" && options !== null
    ? fields.find((name) => name in options)
    : undefined;
  if (field !== undefined) {
    throw new TypeError(
      `${cannot} as there is no option ${field}: it is a part of the option filter`,
    );
  }
  checkNames(options, [own, ...TRANSFER_OPTIONS], cannot);
}

function checkNames(
  options: unknown,
  known: readonly string[],
  cannot: string,
): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `${cannot} as the options must be an object: current value is ${
        String(options)
      }`,
    );
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(
    `${cannot} as there is no option ${unknown}: the options are ${
      known.join(", ")
    }`,
  );
}

/**
 * The key that was given by all or its first digits; `undefined` if no record begins so.
 *
 * @throws {TypeError} if it is none, or several records begin so.
 */
export function resolveKey(
  given: unknown,
  list: (filter: RecordFilter) => Iterable<RecordSummary>,
): string | undefined {
  if (
    typeof given !== "string" || given.length < LEAST_DIGITS ||
    !/^[0-9a-f]{0,64}$/.test(given)
  ) {
    throw new TypeError(
      `Cannot describe a record as its key must be 64 hexadecimal digits, or the first ${LEAST_DIGITS} or more of them: current value is ${
        String(given).slice(0, 80)
      }`,
    );
  }
  if (given.length === 64) return given;
  const keys = Array.from(
    list({ keyPrefix: given, limit: NAMED + 1 }),
    ({ key }) => key,
  );
  if (keys.length < 2) return keys[0];
  const named = keys.slice(0, NAMED).join(", ");
  const more = keys.length > NAMED ? " and more" : "";
  throw new TypeError(
    `Cannot describe a record as its key must be the only one that begins with ${given}: there are ${named}${more}`,
  );
}
