/**
 * Messages as bytes, for workers that are reached through a pipe.
 *
 * A frame is a head of {@linkcode HEAD} bytes and a body. The body of most is as
 * `short_messages.ts` says. That of others is the message as JSON, in which each
 * byte array is a reference by number; the lengths of these arrays, 63 bits wide,
 * and the arrays themselves follow, written and read as they are, each into memory
 * of its own. All numbers are little-endian.
 *
 * Memory that is shared between threads goes through a pipe once: the reader makes
 * such memory with the same bytes, keeps it, and from then on is sent its number,
 * until it is told to forget.
 *
 * @module
 */

import type { DoneMessage, RunMessage } from "./protocol.ts";
import {
  type Page,
  readResult,
  ShortTask,
  TaskWriter,
  writeResult,
} from "./short_messages.ts";

/** What a frame begins with: the mark, the number of arrays, the length of the body, its kind. */
const HEAD = 16;

/** What the body of a frame is. */
const Kind = {
  /** Any message, as JSON. */
  ANY: 0,
  /** A short Task. */
  TASK: 1,
  /** A short result. */
  RESULT: 2,
  /** Forget what was kept: nothing that comes refers to it. */
  FORGET: 3,
} as const;

/** Bytes of the length of an array. */
const LENGTH = 8;

/** In the upper half of a length: the array is shared memory, and kept. */
const IS_KEPT = 0x8000_0000;

/** Where nothing but frames is written, whatever does not begin with this is not one. */
const MARK = 0x52544948;

const NOT_A_FRAME =
  "something else than hither has written into the pipe of a worker";

/** More is not a message, but something else on the same pipe. */
const MOST_BODY = 2 ** 29;
const MOST_ARRAYS = 2 ** 24;

/** How much is read ahead: as much as a pipe holds on Linux. */
const AHEAD = 65_536;

/** Smaller arrays are copied into the first piece of a frame, and need not move between threads. */
const SMALL = 16_384;

/** Stands for a byte array; no message has a property of this name. */
const REFERENCE = "\0bytes";

/** Stands for shared memory that was kept; no message has a property of this name. */
const KEPT = "\0kept";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Makes frames. */
export class FrameWriter {
  /** Where most of them are put together. */
  readonly #page = pageOf(new Uint8Array(AHEAD));
  readonly #tasks = new TaskWriter();
  /** The numbers of shared memory that the reader has kept. */
  #kept = new WeakMap<SharedArrayBuffer, number>();
  #keptCount = 0;

  /** Whether the reader keeps anything. */
  get hasKept(): boolean {
    return this.#keptCount > 0;
  }

  /** A frame that tells the reader to forget what it keeps. */
  forget(): Uint8Array<ArrayBuffer> {
    this.#kept = new WeakMap();
    this.#keptCount = 0;
    writeHead(this.#page, Kind.FORGET, 0, 0);
    return this.#page.bytes.slice(0, HEAD);
  }

  /**
   * The pieces of a frame, to be written one after the other: all that is small in
   * the first, and each large array as it is.
   */
  write(message: object): Uint8Array[] {
    return this.#short(message as RunMessage | DoneMessage) ??
      this.#any(message);
  }

  #short(
    message: RunMessage | DoneMessage,
  ): [Uint8Array<ArrayBuffer>] | undefined {
    let length = 0;
    if (message.type === "run") {
      length = this.#tasks.write(message, this.#page, HEAD);
    } else if (message.type === "done") {
      length = writeResult(message, this.#page, HEAD);
    }
    if (length === 0) return undefined;
    const kind = message.type === "run" ? Kind.TASK : Kind.RESULT;
    writeHead(this.#page, kind, length, 0);
    return [this.#page.bytes.slice(0, HEAD + length)];
  }

  #any(message: object): Uint8Array[] {
    const arrays: Uint8Array[] = [];
    const json = JSON.stringify(this.#withReferences(message, arrays));
    let together = 0;
    let copied = 0;
    while (together < arrays.length && arrays[together]!.byteLength < SMALL) {
      copied += arrays[together++]!.byteLength;
    }
    // A UTF-16 unit takes three bytes at most.
    const most = HEAD + 3 * json.length + LENGTH * arrays.length + copied;
    const isShort = most <= AHEAD;
    const page = isShort ? this.#page : pageOf(new Uint8Array(most));
    const { bytes, view } = page;
    const { written } = encoder.encodeInto(json, bytes.subarray(HEAD));
    writeHead(page, Kind.ANY, written, arrays.length);
    let at = HEAD + written;
    for (const array of arrays) {
      setLength(view, at, array);
      at += LENGTH;
    }
    for (let i = 0; i < together; i++) {
      bytes.set(arrays[i]!, at);
      at += arrays[i]!.byteLength;
    }
    const first = isShort ? bytes.slice(0, at) : bytes.subarray(0, at);
    return [first, ...arrays.slice(together)];
  }

  /** The same message, with each byte array, and shared memory that is sent for the first time, put into `arrays`. */
  #withReferences(value: unknown, arrays: Uint8Array[]): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (value instanceof Uint8Array) {
      arrays.push(value);
      return { [REFERENCE]: arrays.length - 1 };
    }
    if (value instanceof SharedArrayBuffer) {
      return { [KEPT]: this.#keep(value, arrays) };
    }
    if (Array.isArray(value)) {
      return value.length === 0
        ? value
        : value.map((item) => this.#withReferences(item, arrays));
    }
    const copy: Record<string, unknown> = {};
    for (const name in value) {
      const part = this.#withReferences((value as typeof copy)[name], arrays);
      if (name !== "__proto__") copy[name] = part;
      else Object.defineProperty(copy, name, { value: part, enumerable: true });
    }
    return copy;
  }

  #keep(memory: SharedArrayBuffer, arrays: Uint8Array[]): number {
    let number = this.#kept.get(memory);
    if (number === undefined) {
      number = this.#keptCount++;
      this.#kept.set(memory, number);
      arrays.push(new Uint8Array(memory));
    }
    return number;
  }
}

function pageOf(bytes: Uint8Array<ArrayBuffer>): Page {
  return { bytes, view: new DataView(bytes.buffer) };
}

function writeHead(
  { view }: Page,
  kind: number,
  length: number,
  arrays: number,
): void {
  view.setUint32(0, MARK, true);
  view.setUint32(4, arrays, true);
  view.setUint32(8, length, true);
  view.setUint32(12, kind, true);
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
  #view = new DataView(this.#ahead.buffer);
  #start = 0;
  #end = 0;
  /** The message whose arrays are being read. */
  #message: object | undefined;
  #lengths: Length[] = [];
  readonly #arrays: Uint8Array[] = [];
  /** The array that is being read, and how much of it has been. */
  #array: Uint8Array | undefined;
  #filled = 0;
  /** Whether the memory that was given last is the array's own. */
  #isDirect = false;
  /** Shared memory, by number. */
  readonly #kept: SharedArrayBuffer[] = [];

  /** The memory for the next bytes: never empty, and for a large array its own. */
  space(): Uint8Array<ArrayBuffer> {
    this.#isDirect = this.#array !== undefined && this.#start === this.#end &&
      this.#array.byteLength - this.#filled >= AHEAD;
    // What is large is not copied.
    if (this.#isDirect) {
      return this.#array!.subarray(this.#filled) as Uint8Array<ArrayBuffer>;
    }
    if (this.#start > 0) {
      if (this.#end > this.#start) {
        this.#ahead.copyWithin(0, this.#start, this.#end);
      }
      this.#end -= this.#start;
      this.#start = 0;
    }
    return this.#ahead.subarray(this.#end);
  }

  /** Takes the bytes that were read into the memory of `space`, which may have moved. */
  filled(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#isDirect) {
      const { buffer }: { buffer: ArrayBufferLike } = bytes;
      if (this.#array!.buffer !== buffer) this.#array = new Uint8Array(buffer);
      this.#filled += bytes.byteLength;
    } else {
      if (this.#ahead.buffer !== bytes.buffer) this.#use(bytes.buffer);
      this.#end += bytes.byteLength;
    }
  }

  /**
   * The next message, if all of it is there; for a short Task a {@linkcode ShortTask},
   * whose bytes stay no longer than until the next are read.
   *
   * @throws {TypeError} if the bytes are not a frame.
   * @throws {RangeError} if there is no memory for an array.
   */
  next(): object | undefined {
    while (this.#message === undefined) {
      if (!this.#takeBody()) return undefined;
    }
    while (this.#arrays.length < this.#lengths.length) {
      this.#array ??= bytesOf(this.#lengths[this.#arrays.length]!);
      this.#takeAhead(this.#array);
      if (this.#filled < this.#array.byteLength) return undefined;
      const { buffer } = this.#array;
      if (buffer instanceof SharedArrayBuffer) this.#kept.push(buffer);
      this.#arrays.push(this.#array);
      this.#array = undefined;
      this.#filled = 0;
    }
    const message = this.#message;
    this.#message = undefined;
    if (message instanceof ShortTask) return message;
    const whole = this.#withArrays(message) as object;
    this.#arrays.length = 0;
    return whole;
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
  #takeBody(): boolean {
    const there = this.#end - this.#start;
    if (there < HEAD) return false;
    const view = this.#view;
    const count = view.getUint32(this.#start + 4, true);
    const length = view.getUint32(this.#start + 8, true);
    if (
      view.getUint32(this.#start, true) !== MARK || count > MOST_ARRAYS ||
      length > MOST_BODY
    ) throw new TypeError(NOT_A_FRAME);
    const whole = HEAD + length + LENGTH * count;
    if (there < whole) {
      this.#makeRoom(whole);
      return false;
    }
    const start = this.#start + HEAD;
    const end = start + length;
    const kind = view.getUint32(this.#start + 12, true);
    this.#message = this.#read(kind, this.#ahead.subarray(start, end));
    this.#lengths = [];
    for (let i = 0; i < count; i++) {
      this.#lengths.push(getLength(view, end + LENGTH * i));
    }
    this.#start += whole;
    return true;
  }

  #read(kind: number, body: Uint8Array<ArrayBuffer>): object | undefined {
    switch (kind) {
      case Kind.ANY:
        return JSON.parse(decoder.decode(body));
      case Kind.TASK:
        return new ShortTask(body);
      case Kind.RESULT:
        return readResult(body);
      case Kind.FORGET:
        this.#kept.length = 0;
        return undefined;
      default:
        throw new TypeError(NOT_A_FRAME);
    }
  }

  /** The same message, changed in place, with what was referred to where it was. */
  #withArrays(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    const parts = value as Record<string, unknown>;
    const index = parts[REFERENCE];
    if (index !== undefined) return this.#arrays[index as number];
    const number = parts[KEPT];
    if (number !== undefined) return this.#kept[number as number];
    for (const name in parts) {
      const part = parts[name];
      if (typeof part === "object") parts[name] = this.#withArrays(part);
    }
    return value;
  }

  #makeRoom(length: number): void {
    if (length <= this.#ahead.byteLength) return;
    const larger = new Uint8Array(Math.max(length, 2 * this.#ahead.byteLength));
    larger.set(this.#ahead.subarray(this.#start, this.#end));
    this.#end -= this.#start;
    this.#start = 0;
    this.#use(larger.buffer);
  }

  #use(buffer: ArrayBuffer): void {
    this.#ahead = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }
}

/** How long an array is, and whether it is shared memory. */
interface Length {
  readonly length: number;
  readonly isKept: boolean;
}

function bytesOf({ length, isKept }: Length): Uint8Array {
  try {
    return isKept
      ? new Uint8Array(new SharedArrayBuffer(length))
      : new Uint8Array(length);
  } catch (error) {
    throw new RangeError(
      `there is no memory for ${length} bytes of a message`,
      { cause: error },
    );
  }
}

function setLength(view: DataView, at: number, array: Uint8Array): void {
  const upper = Math.floor(array.byteLength / 2 ** 32);
  const isKept = array.buffer instanceof SharedArrayBuffer;
  view.setUint32(at, array.byteLength, true);
  view.setUint32(at + 4, isKept ? upper + IS_KEPT : upper, true);
}

function getLength(view: DataView, at: number): Length {
  const upper = view.getUint32(at + 4, true);
  const isKept = upper >= IS_KEPT;
  const length = view.getUint32(at, true) +
    2 ** 32 * (isKept ? upper - IS_KEPT : upper);
  return { length, isKept };
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
