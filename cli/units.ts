/**
 * Sizes, times and dates, as people write and read them.
 *
 * @module
 */

import { format } from "jsr:@std/fmt@^1/bytes";
import prettyMilliseconds from "npm:pretty-ms@^10";
import { UsageError } from "./errors.ts";

/** Bytes: `1.5 MB` is 1,500,000 of them. */
export function size(bytes: number): string {
  return format(bytes);
}

/** How many there are of something: `1 record`, `2 records`. */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** A length of time in ms, as `1.2s` or `3h 20m`. */
export function duration(ms: number): string {
  if (ms === 0) return "0ms";
  if (ms < 1) {
    return prettyMilliseconds(ms, {
      formatSubMilliseconds: true,
      unitCount: 1,
    });
  }
  return prettyMilliseconds(ms < 1_000 ? Math.round(ms) : ms, { unitCount: 2 });
}

/** How long ago a moment was, in its largest unit: `3h`. */
export function age(moment: number, now = Date.now()): string {
  const ms = now - moment;
  return ms < 1_000 ? "now" : prettyMilliseconds(ms, { compact: true });
}

/** A moment as `2026-01-31 14:05:09`, in the time zone of this machine. */
export function dateTime(moment: number): string {
  return Temporal.Instant.fromEpochMilliseconds(Math.trunc(moment))
    .toZonedDateTimeISO(Temporal.Now.timeZoneId())
    .toPlainDateTime()
    .toString({ smallestUnit: "second" })
    .replace("T", " ");
}

const SIZE = /^(\d+(?:\.\d+)?)\s*(?:([kMGT])(i?))?B?$/i;
const POWERS = "kmgt";

/**
 * Bytes of a text as `10GB`, `1.5 GiB` or `300000`.
 *
 * @throws {UsageError} if it is none.
 */
export function parseSize(text: string): number {
  const match = SIZE.exec(text.trim());
  if (match === null) {
    throw new UsageError(
      `Cannot take "${text}" as a size: write it as 500MB, 10GB or 1.5GiB`,
    );
  }
  const [, number, prefix = "", binary] = match;
  const power = prefix === "" ? 0 : POWERS.indexOf(prefix.toLowerCase()) + 1;
  const bytes = Math.round(
    Number(number) * (binary ? 1_024 : 1_000) ** power,
  );
  if (!Number.isSafeInteger(bytes) || bytes < 1) {
    throw new UsageError(
      `Cannot take "${text}" as a size as it must be a whole number of bytes above 0: write it as 500MB, 10GB or 1.5GiB`,
    );
  }
  return bytes;
}

/**
 * ms of a text as `30d` or `1.5h`. A year has 365.25 days; `m` are minutes.
 *
 * @throws {UsageError} if it is none, or less than `least` ms.
 */
export async function parseDuration(
  text: string,
  { least = 1 } = {},
): Promise<number> {
  // A CommonJS package, which takes longer to load than most commands to run.
  // @ts-types="npm:@types/ms@^2"
  const { default: ms } = await import("npm:ms@^2");
  const isLength = /^\s*(0|\d+(\.\d+)?\s*[a-z]+)\s*$/i.test(text);
  const length = isLength
    ? ms(text.trim() as Parameters<typeof ms>[0])
    : undefined;
  if (typeof length !== "number") {
    throw new UsageError(
      `Cannot take "${text}" as a length of time: write it as 12h, 30d or 2w`,
    );
  }
  if (/M\s*$/.test(text)) {
    throw new UsageError(
      `Cannot take "${text}" as a length of time as M may mean months: write it as 90d, or with m if it is minutes`,
    );
  }
  if (length < least) {
    throw new UsageError(
      `Cannot take "${text}" as a length of time as it must be above 0: write it as 12h, 30d or 2w`,
    );
  }
  return length;
}

/**
 * A whole number above 0; `all` is none.
 *
 * @throws {UsageError} if it is neither.
 */
export function parseLimit(text: string): number | undefined {
  if (text === "all") return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new UsageError(
      `Cannot take "${text}" as a limit: it must be a whole number above 0, or all`,
    );
  }
  return Number(text);
}
