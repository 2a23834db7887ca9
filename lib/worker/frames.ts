/**
 * Messages as bytes, for workers that are reached through a pipe.
 *
 * A frame is a head of {@linkcode HEAD} bytes, the message as JSON in which each
 * byte array is a reference by number, then the lengths of these arrays and the
 * arrays themselves. All numbers are little-endian, all lengths 64 bits wide: the
 * arrays are written and read as they are, each into memory of its own.
 *
 * @module
 */

/** What a frame begins with: the mark, the number of arrays, the length of the JSON. */
export const HEAD = 16;

/** Where nothing but frames is written, whatever does not begin with this is not one. */
const MARK = 0x52544948;

/** More is not a message, but something else on the same pipe. */
const MOST_JSON = 2 ** 29;
const MOST_ARRAYS = 2 ** 24;

/** Stands for a byte array; no message has a property of this name. */
interface ArrayReference {
  readonly "\0bytes": number;
}

/**
 * The pieces of a frame, to be written one after the other: all that is small in
 * the first, and each large array as it is.
 */
export function toFrame(message: unknown): Uint8Array<ArrayBuffer>[] {
  const arrays: Uint8Array<ArrayBuffer>[] = [];
  const json = encoder.encode(JSON.stringify(withReferences(message, arrays)));
  const start = HEAD + json.byteLength;
  let small = start + 8 * arrays.length;
  let together = 0;
  // An array with everything before it small costs less to copy than to write apart.
  while (
    together < arrays.length && arrays[together]!.byteLength < COPIED
  ) small += arrays[together++]!.byteLength;
  const first = new Uint8Array(small);
  const view = new DataView(first.buffer);
  view.setUint32(0, MARK, true);
  view.setUint32(4, arrays.length, true);
  setLength(view, 8, json.byteLength);
  first.set(json, HEAD);
  let at = start;
  for (const { byteLength } of arrays) {
    setLength(view, at, byteLength);
    at += 8;
  }
  for (const array of arrays.slice(0, together)) {
    first.set(array, at);
    at += array.byteLength;
  }
  return [first, ...arrays.slice(together)];
}

/** Smaller arrays are copied into the first piece. */
const COPIED = 16_384;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Reads frames: tells which bytes it wants next, and is given them.
 *
 * @example
 * ```ts ignore
 * while (true) {
 *   const message = reader.take(fill(reader.wanted));
 *   if (message !== undefined) receive(message);
 * }
 * ```
 */
export class FrameReader {
  /** The memory that the next bytes go into, all of it. */
  wanted: Uint8Array<ArrayBuffer> = new Uint8Array(HEAD);
  #step: "head" | "text" | "array" = "head";
  #count = 0;
  #json = 0;
  #message: unknown;
  #lengths: number[] = [];
  readonly #arrays: Uint8Array<ArrayBuffer>[] = [];

  /**
   * Takes the bytes that were wanted; returns a message when one is complete.
   *
   * @throws {TypeError} if the bytes are not a frame.
   * @throws {RangeError} if there is no memory for an array.
   */
  take(bytes: Uint8Array<ArrayBuffer>): object | undefined {
    switch (this.#step) {
      case "head":
        this.#takeHead(bytes);
        return undefined;
      case "text":
        this.#takeText(bytes);
        break;
      case "array":
        this.#arrays.push(bytes);
    }
    return this.#next();
  }

  #takeHead(bytes: Uint8Array<ArrayBuffer>): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, HEAD);
    this.#count = view.getUint32(4, true);
    this.#json = getLength(view, 8);
    if (
      view.getUint32(0, true) !== MARK || this.#count > MOST_ARRAYS ||
      this.#json > MOST_JSON
    ) {
      throw new TypeError(
        "something else than hither has written into the pipe of a worker",
      );
    }
    this.#step = "text";
    this.wanted = new Uint8Array(this.#json + 8 * this.#count);
  }

  #takeText(bytes: Uint8Array<ArrayBuffer>): void {
    this.#message = JSON.parse(decoder.decode(bytes.subarray(0, this.#json)));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#lengths = Array.from(
      { length: this.#count },
      (_, i) => getLength(view, this.#json + 8 * i),
    );
    this.#step = "array";
  }

  #next(): object | undefined {
    while (this.#arrays.length < this.#count) {
      const length = this.#lengths[this.#arrays.length]!;
      this.wanted = bytesOf(length);
      if (length > 0) return undefined;
      this.#arrays.push(this.wanted);
    }
    const message = withArrays(this.#message, this.#arrays) as object;
    this.#step = "head";
    this.#arrays.length = 0;
    this.#message = undefined;
    this.wanted = new Uint8Array(HEAD);
    return message;
  }
}

function bytesOf(length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (error) {
    throw new RangeError(
      `there is no memory for ${length} bytes of a message`,
      { cause: error },
    );
  }
}

function setLength(view: DataView, at: number, length: number): void {
  view.setBigUint64(at, BigInt(length), true);
}

function getLength(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

/** The same message, with each byte array put into `arrays`. */
function withReferences(
  value: unknown,
  arrays: Uint8Array<ArrayBuffer>[],
): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) {
    const reference: ArrayReference = { "\0bytes": arrays.length };
    arrays.push(value as Uint8Array<ArrayBuffer>);
    return reference;
  }
  if (Array.isArray(value)) {
    return value.map((item) => withReferences(item, arrays));
  }
  const copy: Record<string, unknown> = Object.create(null);
  for (const name in value) {
    copy[name] = withReferences((value as typeof copy)[name], arrays);
  }
  return copy;
}

/** The same message, changed in place, with the byte arrays where they were. */
function withArrays(
  value: unknown,
  arrays: readonly Uint8Array<ArrayBuffer>[],
): unknown {
  if (arrays.length === 0 || typeof value !== "object" || value === null) {
    return value;
  }
  const index = (value as Partial<ArrayReference>)["\0bytes"];
  if (index !== undefined) return arrays[index];
  const parts = value as Record<string, unknown>;
  for (const name in parts) {
    const part = parts[name];
    if (typeof part === "object") parts[name] = withArrays(part, arrays);
  }
  return value;
}

/** The buffers of the byte arrays in a message, each of which holds nothing else. */
export function buffersOf(
  value: unknown,
  found: ArrayBuffer[] = [],
): ArrayBuffer[] {
  if (typeof value !== "object" || value === null) return found;
  if (value instanceof Uint8Array) {
    found.push(value.buffer as ArrayBuffer);
    return found;
  }
  const parts = value as Record<string, unknown>;
  for (const name in parts) buffersOf(parts[name], found);
  return found;
}
