/**
 * Values as one would write them, cut short.
 *
 * @module
 */

import { className } from "./refusal.ts";
import { FileReference } from "./file_reference.ts";
import { FolderReference } from "./folder_reference.ts";

/** How to show values. */
export interface PreviewOptions {
  /** What an object is called that is no data itself: a job. */
  name?: (node: object) => string | undefined;
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
const MAX_DEPTH = 4;
const ELLIPSIS = "\u2026";

const utf8 = new TextEncoder();

/**
 * Arguments as one would write them between parentheses, in at most so many bytes of
 * UTF-8. Never throws, and looks at no more of them than it shows.
 */
export function previewOf(
  values: readonly unknown[],
  maxBytes = 80,
  options: PreviewOptions = {},
): string {
  const preview = new Preview(maxBytes, options.name);
  try {
    preview.list(values, 0);
  } catch {
    // A proxy or a getter threw: what was written before it is the preview.
    preview.full = true;
  }
  return preview.finish();
}

class Preview {
  #text = "";
  readonly #maxBytes: number;
  readonly #name: PreviewOptions["name"];
  /** Whether there is no room for more. */
  full = false;

  constructor(maxBytes: number, name: PreviewOptions["name"]) {
    this.#maxBytes = maxBytes;
    this.#name = name;
  }

  finish(): string {
    const cut = this.full || utf8.encode(this.#text).length > this.#maxBytes;
    if (!cut) return this.#text;
    const room = new Uint8Array(Math.max(0, this.#maxBytes - 3));
    const { read } = utf8.encodeInto(this.#text, room);
    return this.#text.slice(0, read) + ELLIPSIS;
  }

  #add(text: string): void {
    if (this.full) return;
    const room = this.#maxBytes + 1 - this.#text.length;
    this.#text += text.length > room ? text.slice(0, room) : text;
    if (this.#text.length > this.#maxBytes) this.full = true;
  }

  list(items: readonly unknown[], depth: number): void {
    for (let i = 0; i < items.length && !this.full; i++) {
      if (i > 0) this.#add(", ");
      if (i in items) this.#value(items[i], depth);
    }
  }

  #value(value: unknown, depth: number): void {
    switch (typeof value) {
      case "string":
        // No more is quoted than can be shown.
        this.#add(JSON.stringify(value.slice(0, this.#maxBytes + 1)));
        if (value.length > this.#maxBytes) this.full = true;
        return;
      case "number":
        this.#add(Object.is(value, -0) ? "-0" : String(value));
        return;
      case "bigint":
        // A large one would take long to turn into digits.
        this.#add(
          value === BigInt.asIntN(1_024, value) ? `${value}n` : `${ELLIPSIS}n`,
        );
        return;
      case "function":
        this.#add(`function ${value.name}`);
        return;
      case "object":
        if (value === null) this.#add("null");
        else this.#object(value, depth);
        return;
      default:
        this.#add(String(value));
    }
  }

  #object(object: object, depth: number): void {
    const name = this.#name?.(object);
    if (name !== undefined) {
      this.#add(name);
    } else if (depth >= MAX_DEPTH) {
      this.#add(ELLIPSIS);
    } else if (Array.isArray(object)) {
      this.#add("[");
      this.list(object, depth + 1);
      this.#add("]");
    } else if (object instanceof Map) {
      this.#add(`Map(${object.size})`);
    } else if (object instanceof Set) {
      this.#add(`Set(${object.size})`);
    } else if (object instanceof Date) {
      const time = object.getTime();
      this.#add(
        Number.isNaN(time) ? "Invalid Date" : `Date(${object.toISOString()})`,
      );
    } else if (object instanceof RegExp) {
      this.#add(String(object));
    } else if (object instanceof URL) {
      this.#add(`URL(${object.href})`);
    } else if (object instanceof FileReference) {
      this.#add(`file(${JSON.stringify(object.path)})`);
    } else if (object instanceof FolderReference) {
      this.#add(`folder(${JSON.stringify(object.path)})`);
    } else if (Error.isError(object)) {
      this.#add(`${object.name}(${JSON.stringify(object.message)})`);
    } else if (
      ArrayBuffer.isView(object) || object instanceof ArrayBuffer ||
      object instanceof SharedArrayBuffer
    ) {
      const length = "length" in object ? object.length : object.byteLength;
      this.#add(`${className(object)}(${length})`);
    } else if (isTemporal(object)) {
      this.#add(String(object));
    } else {
      this.#plain(object, depth);
    }
  }

  #plain(object: object, depth: number): void {
    const name = className(object);
    if (name !== "" && name !== "Object") {
      this.#add(name);
      return;
    }
    this.#add("{");
    let first = true;
    for (const key in object) {
      if (this.full) return;
      if (!Object.hasOwn(object, key)) continue;
      this.#add(first ? " " : ", ");
      first = false;
      const shown = key.slice(0, this.#maxBytes + 1);
      this.#add(IDENTIFIER.test(shown) ? shown : JSON.stringify(shown));
      this.#add(": ");
      this.#value((object as Record<string, unknown>)[key], depth + 1);
    }
    this.#add(first ? "}" : " }");
  }
}

function isTemporal(object: object): boolean {
  return Object.prototype.toString.call(object).startsWith("[object Temporal.");
}
