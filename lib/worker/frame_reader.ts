/**
 * Makes messages of frames; see `frames.ts`.
 *
 * @module
 */

import {
  AHEAD,
  HEAD,
  IN_PLACE,
  Kind,
  LENGTH,
  MARK,
  readNumber,
  REFERENCE,
} from "./frames.ts";
import { QuickResult } from "./results.ts";
import { readResult, ShortTask } from "./short_messages.ts";

const NOT_A_FRAME =
  "something else than hither has written into the pipe of a worker";

/** More is not a message, but something else on the same pipe. */
const MOST_BODY = 2 ** 29;
const MOST_ARRAYS = 2 ** 24;

const decoder = new TextDecoder();

const NO_LENGTHS: readonly number[] = [];

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
  #message: object | undefined;
  #lengths: readonly number[] = NO_LENGTHS;
  readonly #arrays: Uint8Array[] = [];
  /** The array that is being read, and how much of it has been. */
  #array: Uint8Array | undefined;
  #filled = 0;
  readonly #result = new QuickResult();
  /** Whether the memory that was given last is the array's own. */
  #isDirect = false;

  /** The memory for the next bytes: never empty, and for a large array its own. */
  space(): Uint8Array<ArrayBuffer> {
    const array = this.#array;
    // What is large is not copied. Memory that others see would not be read into everywhere.
    this.#isDirect = array?.buffer instanceof ArrayBuffer &&
      this.#start === this.#end && array.byteLength - this.#filled >= AHEAD;
    if (this.#isDirect) {
      return (array as Uint8Array<ArrayBuffer>).subarray(this.#filled);
    }
    if (this.#start > 0) {
      if (this.#end > this.#start) {
        this.#ahead.copyWithin(0, this.#start, this.#end);
      }
      this.#end -= this.#start;
      this.#start = 0;
    }
    return this.#end === 0 ? this.#ahead : this.#ahead.subarray(this.#end);
  }

  /** Takes the bytes that were read into the memory of `space`, which may have moved. */
  filled(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#isDirect) {
      this.#array = new Uint8Array(bytes.buffer);
      this.#filled += bytes.byteLength;
    } else {
      if (this.#ahead.buffer !== bytes.buffer) {
        this.#ahead = new Uint8Array(bytes.buffer);
      }
      this.#end += bytes.byteLength;
    }
  }

  /**
   * The next message, if all of it is there; for a short Task, or a chunk, a {@linkcode ShortTask},
   * whose bytes stay no longer than until the next are read; for a short result a
   * {@linkcode QuickResult}, which is the same object each time.
   *
   * @throws {TypeError} if the bytes are not a frame.
   * @throws {RangeError} if there is no memory for an array.
   */
  next(): object | undefined {
    if (this.#message === undefined && !this.#takeBody()) return undefined;
    while (this.#arrays.length < this.#lengths.length) {
      this.#array ??= bytesOf(this.#lengths[this.#arrays.length]!);
      this.#takeAhead(this.#array);
      if (this.#filled < this.#array.byteLength) return undefined;
      this.#arrays.push(this.#array);
      this.#array = undefined;
      this.#filled = 0;
    }
    const message = this.#message!;
    this.#message = undefined;
    if (message instanceof ShortTask || message === this.#result) {
      return message;
    }
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
    const ahead = this.#ahead;
    const count = readNumber(ahead, this.#start + 4);
    const length = readNumber(ahead, this.#start + 8);
    if (
      readNumber(ahead, this.#start) !== MARK || count > MOST_ARRAYS ||
      length > MOST_BODY
    ) throw new TypeError(NOT_A_FRAME);
    const whole = HEAD + length + LENGTH * count;
    if (there < whole) {
      this.#makeRoom(whole);
      return false;
    }
    const start = this.#start + HEAD;
    const end = start + length;
    const kind = readNumber(ahead, this.#start + 12);
    this.#message = this.#read(kind, start, end);
    this.#lengths = count === 0
      ? NO_LENGTHS
      : Array.from({ length: count }, (_, i) =>
        lengthAt(ahead, end + LENGTH * i));
    this.#start += whole;
    return true;
  }

  #read(kind: number, start: number, end: number): object {
    const ahead = this.#ahead;
    switch (kind) {
      case Kind.ANY:
        return JSON.parse(decoder.decode(ahead.subarray(start, end)));
      case Kind.TASK:
        return new ShortTask(ahead.subarray(start, end));
      case Kind.RESULT:
        return readResult(ahead, start, end, this.#result);
      default:
        throw new TypeError(NOT_A_FRAME);
    }
  }

  /** The same message, changed in place, with what was referred to where it was. */
  #withArrays(value: unknown): unknown {
    if (this.#arrays.length === 0) return value;
    if (typeof value !== "object" || value === null) return value;
    const parts = value as Record<string, unknown>;
    const index = parts[REFERENCE];
    if (index !== undefined) return this.#arrays[index as number];
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
    this.#ahead = larger;
  }
}

/** Memory for an array, as {@linkcode lengthAt} tells how much. */
function bytesOf(told: number): Uint8Array {
  const length = told < 0 ? -1 - told : told;
  try {
    return told < 0
      ? new Uint8Array(new SharedArrayBuffer(length))
      : new Uint8Array(length);
  } catch (error) {
    throw new RangeError(
      `there is no memory for ${length} bytes of a message`,
      { cause: error },
    );
  }
}

/** The length of an array; with another sign, less 1, if it is to be in shared memory. */
function lengthAt(bytes: Uint8Array, at: number): number {
  const high = readNumber(bytes, at + 4);
  const isInPlace = high >= IN_PLACE;
  const length = readNumber(bytes, at) +
    2 ** 32 * (isInPlace ? high - IN_PLACE : high);
  return isInPlace ? -1 - length : length;
}
