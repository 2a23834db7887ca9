/**
 * How much a cache may hold, and what it keeps all the same.
 *
 * @module
 */

/** What is kept whatever the limits. */
export interface Keep {
  /** Names of functions. */
  readonly functions?: readonly string[] | undefined;
  /** Labels of functions. */
  readonly labels?: readonly string[] | undefined;
}

/** The limits of a cache. */
export interface Limits {
  /** The most bytes on disk; no limit by default. */
  readonly maxSize?: number | undefined;
  /** The longest time since the last use of a record, in ms; no limit by default. */
  readonly maxAge?: number | undefined;
  /** What is kept whatever the limits. */
  readonly keep?: Keep | undefined;
}

/** What is said of a cache that cannot be made small enough. */
export function overLimit(
  path: string,
  bytes: number,
  maxSize: number,
  hasPins: boolean,
): string {
  return `the cache in ${path} takes ${bytes} bytes, which is more than maxSize (${maxSize} bytes): ${
    whatStays(hasPins)
  }`;
}

/** What is said of a result for which there is no room. */
export function noRoom(
  path: string,
  maxSize: number,
  hasPins: boolean,
): string {
  return `a result is not kept in the cache in ${path}, as maxSize (${maxSize} bytes) leaves no room for it: ${
    whatStays(hasPins)
  }`;
}

function whatStays(hasPins: boolean): string {
  return hasPins
    ? "the rest is pinned, or this program uses it"
    : "this program uses the rest, or it is the empty cache itself";
}

/**
 * Checks limits that somebody gave.
 *
 * @param cannot How the message of an error begins: "Cannot make a JobCache".
 * @throws {TypeError} if one is not what it must be.
 */
export function checkLimits(
  { maxSize, maxAge, keep }: Limits,
  cannot: string,
): Limits {
  if (
    maxSize !== undefined && !(Number.isSafeInteger(maxSize) && maxSize > 0)
  ) {
    throw new TypeError(
      `${cannot} as maxSize must be a whole number of bytes above 0: current value is ${
        String(maxSize)
      }`,
    );
  }
  if (
    maxAge !== undefined &&
    !(typeof maxAge === "number" && Number.isFinite(maxAge) && maxAge > 0)
  ) {
    throw new TypeError(
      `${cannot} as maxAge must be a number of ms above 0: current value is ${
        String(maxAge)
      }`,
    );
  }
  return { maxSize, maxAge, keep: checkKeep(keep, cannot) };
}

function checkKeep(keep: unknown, cannot: string): Keep | undefined {
  if (keep === undefined) return undefined;
  if (typeof keep !== "object" || keep === null) {
    throw new TypeError(
      `${cannot} as keep must be an object: current value is ${String(keep)}`,
    );
  }
  const { functions, labels, ...others } = keep as Record<string, unknown>;
  for (const name of Object.keys(others)) {
    throw new TypeError(
      `${cannot} as keep has no option ${name}: its options are functions and labels`,
    );
  }
  return {
    functions: checkNames(functions, "keep.functions", cannot),
    labels: checkNames(labels, "keep.labels", cannot),
  };
}

function checkNames(
  names: unknown,
  option: string,
  cannot: string,
): readonly string[] | undefined {
  if (names === undefined) return undefined;
  if (
    !Array.isArray(names) ||
    names.some((name) => typeof name !== "string" || name === "")
  ) {
    throw new TypeError(
      `${cannot} as ${option} must be a list of texts that are not empty: current value is ${
        JSON.stringify(names) ?? String(names)
      }`,
    );
  }
  return [...names];
}
