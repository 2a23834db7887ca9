/**
 * The value of a record, for looking at.
 *
 * @module
 */

import type { JobCache } from "../mod.ts";

/** A value as read; or why it cannot be shown. */
export type ReadValue =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "unreadable"; readonly why: string };

/** Decodes the value of a record. No code is run: values of the user's own classes cannot be shown. */
export async function readValue(
  cache: JobCache,
  key: string,
): Promise<ReadValue> {
  const { recordStoreOf } = await import("../lib/cache/job_cache.ts");
  const { decodeValue } = await import("../lib/value/decode.ts");
  const { errorText } = await import("../lib/error_text.ts");
  const store = recordStoreOf(cache);
  const record = store.lookup(Uint8Array.fromHex(key));
  if (record === undefined) {
    return { kind: "unreadable", why: "its record is damaged" };
  }
  try {
    await store.prepare(record);
    const value = decodeValue(record.outcome.value, {
      root: "result",
      lend: true,
    });
    return { kind: "value", value };
  } catch (error) {
    return { kind: "unreadable", why: errorText(error) };
  }
}

/** Whether a value is plain JSON, so that nothing is lost when it is written so. */
export function isJson(value: unknown): boolean {
  // A list and no recursion: values may be deep.
  const open = [value];
  for (const item of open) {
    switch (typeof item) {
      case "string":
        if (!item.isWellFormed()) return false;
        break;
      case "boolean":
        break;
      case "number":
        if (!Number.isFinite(item) || Object.is(item, -0)) return false;
        break;
      case "object":
        if (item === null) break;
        if (!isPlain(item)) return false;
        for (const part of Object.values(item)) open.push(part);
        break;
      default:
        return false;
    }
  }
  return true;
}

function isPlain(object: object): boolean {
  const keys = Object.keys(object);
  if (Array.isArray(object)) {
    // No holes, nothing beside the items.
    return keys.length === object.length &&
      keys.every((key, i) => key === String(i));
  }
  return Object.getPrototypeOf(object) === Object.prototype &&
    !("toJSON" in object);
}

/** A value in full, as `Deno.inspect` shows it. */
export function inspected(value: unknown): string {
  return Deno.inspect(value, {
    depth: 1_000,
    iterableLimit: Infinity,
    strAbbreviateSize: Infinity,
  });
}
