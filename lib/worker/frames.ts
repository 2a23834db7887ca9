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
const HEAD = 16;

/** Bytes of the length of an array. */
const LENGTH = 8;

/** Where nothing but frames is written, whatever does not begin with this is not one. */
const MARK = 0x52544948;

/** More is not a message, but something else on the same pipe. */
const MOST_JSON = 2 ** 29;
const MOST_ARRAYS = 2 ** 24;

/** How much is read ahead: as much as a pipe holds on Linux. */
const AHEAD = 65_536;

/** Smaller arrays are copied into the first piece of a frame, and need not move between threads. */
const SMALL = 16_384;

/** Stands for a byte array; no message has a property of this name. */
const REFERENCE = "\0bytes";

/** Where most frames are put together. */
const scratch = new Uint8Array(AHEAD);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The pieces of a frame, to be written one after the other: all that is small in
 * the first, and each large array as it is.
 */
export function toFrame(message: object): Uint8Array<ArrayBuffer>[] {
  const arrays: Uint8Array<ArrayBuffer>[] = [];
  const json = JSON.stringify(withReferences(message, arrays));
  let together = 0;
  let copied = 0;
  while (together < arrays.length && arrays[together]!.byteLength < SMALL) {
    copied += arrays[together++]!.byteLength;
  }
  // A UTF-16 unit takes three bytes at most.
  const most = HEAD + 3 * json.length + LENGTH * arrays.length + copied;
  const isShort = most <= scratch.byteLength;
  const piece = isShort ? scratch : new Uint8Array(most);
  const { written } = encoder.encodeInto(json, piece.subarray(HEAD));
  const view = new DataView(piece.buffer);
  view.setUint32(0, MARK, true);
  view.setUint32(4, arrays.length, true);
  setLength(view, 8, written);
  let at = HEAD + written;
  for (const { byteLength } of arrays) {
    setLength(view, at, byteLength);
    at += LENGTH;
  }
  for (let i = 0; i < together; i++) {
    piece.set(arrays[i]!, at);
    at += arrays[i]!.byteLength;
  }
  const first = isShort ? piece.slice(0, at) : piece.subarray(0, at);
  return together === arrays.length
    ? [first]
    : [first, ...arrays.slice(together)];
}

/**
 * Reads frames: gives the memory that the next bytes are to be read into, and is
 * told how many there were.
 *
 * @example
 * ```ts ignore
 * while (true) {
 *   const message = frames.next();
 *   if (message !== undefined) receive(message);
 *   else frames.filled(read(frames.space()));
 * }
 * ```
 */
export class FrameReader {
  /** What was read and not used, from `#start` to `#end`. */
  #ahead = new Uint8Array(AHEAD);
  #start = 0;
  #end = 0;
  /** The message whose arrays are being read. */
  #message: unknown;
  #lengths: number[] = [];
  readonly #arrays: Uint8Array<ArrayBuffer>[] = [];
  /** The array that is being read, and how much of it has been. */
  #array: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  /** Whether the memory that was given last is the array's own. */
  #isDirect = false;

  /** The memory for the next bytes: never empty, and for a large array its own. */
  space(): Uint8Array<ArrayBuffer> {
    this.#isDirect = this.#array !== undefined && this.#start === this.#end &&
      this.#array.byteLength - this.#filled >= AHEAD;
    // What is large is not copied.
    if (this.#isDirect) return this.#array!.subarray(this.#filled);
    if (this.#start > 0) {
      this.#ahead.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    return this.#ahead.subarray(this.#end);
  }

  /** Takes the bytes that were read into the memory of `space`, which may have moved. */
  filled(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#isDirect) {
      this.#array = new Uint8Array(bytes.buffer);
      this.#filled += bytes.byteLength;
    } else {
      this.#ahead = new Uint8Array(bytes.buffer);
      this.#end += bytes.byteLength;
    }
  }

  /**
   * The next message, if all of it is there.
   *
   * @throws {TypeError} if the bytes are not a frame.
   * @throws {RangeError} if there is no memory for an array.
   */
  next(): object | undefined {
    if (this.#message === undefined && !this.#takeText()) return undefined;
    while (this.#arrays.length < this.#lengths.length) {
      this.#array ??= bytesOf(this.#lengths[this.#arrays.length]!);
      this.#takeAhead(this.#array);
      if (this.#filled < this.#array.byteLength) return undefined;
      this.#arrays.push(this.#array);
      this.#array = undefined;
      this.#filled = 0;
    }
    const message = withArrays(this.#message, this.#arrays) as object;
    this.#message = undefined;
    this.#arrays.length = 0;
    return message;
  }

  #takeAhead(array: Uint8Array): void {
    const there = Math.min(
      this.#end - this.#start,
      array.byteLength - this.#filled,
    );
    if (there === 0) return;
    array.set(
      this.#ahead.subarray(this.#start, this.#start + there),
      this.#filled,
    );
    this.#start += there;
    this.#filled += there;
  }

  /** Takes what comes before the arrays. */
  #takeText(): boolean {
    const there = this.#end - this.#start;
    if (there < HEAD) return false;
    const view = new DataView(this.#ahead.buffer);
    const count = view.getUint32(this.#start + 4, true);
    const length = getLength(view, this.#start + 8);
    if (
      view.getUint32(this.#start, true) !== MARK || count > MOST_ARRAYS ||
      length > MOST_JSON
    ) {
      throw new TypeError(
        "something else than hither has written into the pipe of a worker",
      );
    }
    const whole = HEAD + length + LENGTH * count;
    if (there < whole) {
      this.#makeRoom(whole);
      return false;
    }
    const text = this.#start + HEAD;
    const json = this.#ahead.subarray(text, text + length);
    this.#message = JSON.parse(decoder.decode(json));
    this.#lengths = [];
    for (let i = 0; i < count; i++) {
      this.#lengths.push(getLength(view, text + length + LENGTH * i));
    }
    this.#start += whole;
    return true;
  }

  #makeRoom(length: number): void {
    if (length <= this.#ahead.byteLength) return;
    const larger = new Uint8Array(Math.max(length, 2 * this.#ahead.byteLength));
    larger.set(this.#ahead.subarray(this.#start, this.#end));
    this.#end -= this.#start;
    this.#start = 0;
    this.#ahead = larger;
  }
}

function bytesOf(length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (error) {
    throw new RangeError(
      `there is no memory for ${length} bytes of a message`,
      {
        cause: error,
      },
    );
  }
}

function setLength(view: DataView, at: number, length: number): void {
  view.setUint32(at, length, true);
  view.setUint32(at + 4, Math.floor(length / 2 ** 32), true);
}

function getLength(view: DataView, at: number): number {
  return view.getUint32(at, true) + 2 ** 32 * view.getUint32(at + 4, true);
}

/** The same message, with each byte array put into `arrays`. */
function withReferences(
  value: unknown,
  arrays: Uint8Array<ArrayBuffer>[],
): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) {
    arrays.push(value as Uint8Array<ArrayBuffer>);
    return { [REFERENCE]: arrays.length - 1 };
  }
  if (Array.isArray(value)) {
    return value.length === 0
      ? value
      : value.map((item) => withReferences(item, arrays));
  }
  const copy: Record<string, unknown> = {};
  for (const name in value) {
    const part = withReferences((value as typeof copy)[name], arrays);
    if (name !== "__proto__") copy[name] = part;
    else Object.defineProperty(copy, name, { value: part, enumerable: true });
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
  const parts = value as Record<string, unknown>;
  const index = parts[REFERENCE];
  if (index !== undefined) return arrays[index as number];
  for (const name in parts) {
    const part = parts[name];
    if (typeof part === "object") parts[name] = withArrays(part, arrays);
  }
  return value;
}

/** The buffers of the large byte arrays in a message: each holds nothing else. */
export function largeBuffersOf(
  value: unknown,
  found: ArrayBuffer[] = [],
): ArrayBuffer[] {
  if (typeof value !== "object" || value === null) return found;
  if (value instanceof Uint8Array) {
    if (value.byteLength >= SMALL) found.push(value.buffer as ArrayBuffer);
    return found;
  }
  const parts = value as Record<string, unknown>;
  for (const name in parts) largeBuffersOf(parts[name], found);
  return found;
}
