/**
 * Memory that jobs see where it is, as its owner has said that nobody writes to it any more;
 * and a look at a few places of it, by which it is seen in microseconds if somebody does.
 *
 * @module
 */

import defer * as buffers from "node:buffer";
import { ArgumentChangedError } from "../errors.ts";
import type { Leaf } from "./encoded.ts";
import { sha256Hex } from "./sha256.ts";

/** In how many places it is looked at, each of 8 bytes: all of what has no more than that. */
const PLACES = 512;
const BYTES = 8;

/** The part of the golden ratio behind the point: its multiples are spread most evenly. */
const GOLDEN = 0.6180339887498949;

// A job must not change what it is known by.
const { floor, imul } = Math;

/**
 * A number of 52 bits, another one for most other bytes. In each of as many equal pieces as there are
 * places, 8 bytes are looked at which stand at a multiple of 8, so that they are whole elements; where in
 * the piece is another place each time, so that they are not all in one column of a table.
 */
export function sampleOf(
  memory: ArrayBufferLike,
  byteOffset: number,
  byteLength: number,
): number {
  const whole = byteLength - byteLength % BYTES;
  const isAll = whole <= PLACES * BYTES;
  const places = isAll ? whole / BYTES : PLACES;
  const step = (whole - BYTES) / PLACES;
  const words = byteOffset % 4 === 0
    ? new Int32Array(memory, byteOffset, whole / 4)
    : undefined;
  const view = new DataView(memory, byteOffset, byteLength);
  let one = 0x9e37_79b1 ^ byteLength;
  let two = 0x85eb_ca77;
  for (let i = 0; i < places; i++) {
    const turn = i * GOLDEN;
    const at = isAll
      ? i * BYTES
      : floor((i + turn - floor(turn)) * step / BYTES) * BYTES;
    let low: number, high: number;
    if (words === undefined) {
      low = view.getInt32(at, true);
      high = view.getInt32(at + 4, true);
    } else {
      low = words[at / 4]!;
      high = words[at / 4 + 1]!;
    }
    one = imul(one ^ low, 0x9e37_79b1);
    one = imul(one ^ one >>> 15 ^ high, 0x85eb_ca77);
    two = imul(two ^ high, 0xc2b2_ae3d);
    two = imul(two ^ two >>> 13 ^ low, 0x27d4_eb2f);
  }
  for (let at = whole; at < byteLength; at++) {
    one = imul(one ^ view.getUint8(at), 0x9e37_79b1);
    two = imul(two ^ one, 0xc2b2_ae3d);
  }
  one ^= one >>> 16;
  return (one >>> 0) * 2 ** 20 + (two >>> 12);
}

/** Of a piece of memory of which somebody has said that nobody writes to it any more. */
interface Promised {
  readonly start: number;
  readonly end: number;
  /** Whether it was said anew: then what was made of it before may be out of date. */
  isReplaced: boolean;
}

const promised = new WeakMap<SharedArrayBuffer, Promised[]>();

/** What makes views of memory, of one kind. */
export interface ViewClass {
  readonly prototype: object;
  readonly BYTES_PER_ELEMENT?: number;
  new (
    memory: SharedArrayBuffer,
    byteOffset: number,
    length: number,
  ): ArrayBufferView<SharedArrayBuffer>;
}

/** A view of memory. */
export function viewOf(
  type: ViewClass,
  memory: SharedArrayBuffer,
  byteOffset: number,
  byteLength: number,
): ArrayBufferView<SharedArrayBuffer> {
  const { BYTES_PER_ELEMENT = 1 } = type;
  return new type(memory, byteOffset, byteLength / BYTES_PER_ELEMENT);
}

/** Takes note that nobody writes to some bytes any more, as somebody has said elsewhere. */
export function promise(
  { buffer, byteOffset, byteLength }: ArrayBufferView<SharedArrayBuffer>,
): void {
  if (promiseOf(buffer, byteOffset, byteLength) !== undefined) return;
  add(buffer, byteOffset, byteOffset + byteLength);
}

/** By view, and by buffer where that stands for itself. */
const parts = new WeakMap<object, SharedPart>();

/** Takes note of what somebody says now of a view, or of a buffer itself: all that was known of it may be out of date. */
export function promiseAnew(
  object: object,
  memory: SharedArrayBuffer,
  byteOffset: number,
  byteLength: number,
): void {
  add(memory, byteOffset, byteOffset + byteLength);
  parts.set(object, new SharedPart(memory, byteOffset, byteLength));
}

/** Takes note of a promise, together with those about what lies next to it. */
function add(
  memory: SharedArrayBuffer,
  start: number,
  end: number,
): void {
  let all = { start, end };
  const others: Promised[] = [];
  for (const each of promised.get(memory) ?? []) {
    if (each.end < start || each.start > end) others.push(each);
    else {
      each.isReplaced = true;
      all = {
        start: Math.min(all.start, each.start),
        end: Math.max(all.end, each.end),
      };
    }
  }
  promised.set(memory, [...others, { ...all, isReplaced: false }]);
}

/** The promise that covers some bytes; `undefined` if nobody has given it. */
export function promiseOf(
  memory: SharedArrayBuffer,
  byteOffset: number,
  byteLength: number,
): Readonly<Promised> | undefined {
  return promised.get(memory)?.find(({ start, end }) =>
    start <= byteOffset && byteOffset + byteLength <= end
  );
}

/** Bytes that nobody writes to any more, and what is known of them. */
export class SharedPart {
  readonly memory: SharedArrayBuffer;
  readonly byteOffset: number;
  readonly byteLength: number;
  /** What was seen of the bytes when they were promised, or met first. */
  readonly sample: number;
  /** Whether it has come from elsewhere, where more is known of it. */
  readonly isGiven: boolean;
  #digest: string | undefined;

  /** The sample and the digest are given where they are known from elsewhere. */
  constructor(
    memory: SharedArrayBuffer,
    byteOffset: number,
    byteLength: number,
    sample?: number,
    digest?: string,
  ) {
    this.memory = memory;
    this.byteOffset = byteOffset;
    this.byteLength = byteLength;
    this.isGiven = sample !== undefined;
    this.sample = sample ?? sampleOf(memory, byteOffset, byteLength);
    this.#digest = digest;
  }

  /** A view of the bytes. */
  get bytes(): Uint8Array<SharedArrayBuffer> {
    return new Uint8Array(this.memory, this.byteOffset, this.byteLength);
  }

  /** SHA-256 of the bytes, where somebody has computed it. */
  get knownDigest(): string | undefined {
    return this.#digest;
  }

  /** SHA-256 of the bytes, computed once. */
  get digest(): string {
    return this.#digest ??= sha256Hex(this.bytes);
  }

  /** Whether the bytes look as they did. */
  get isUnchanged(): boolean {
    const { memory, byteOffset, byteLength, sample } = this;
    return sampleOf(memory, byteOffset, byteLength) === sample;
  }

  /**
   * Makes sure that the bytes look as they did.
   *
   * @throws {ArgumentChangedError} if they do not.
   */
  check(path: string): void {
    if (this.isUnchanged) return;
    throw new ArgumentChangedError(
      `${path} was written to after hi.share had said that nobody does: copy it with slice() where it is written to, or call hi.share again once it is as it is to be`,
    );
  }
}

/**
 * What is known of a view of shared memory, or of such a buffer itself; `undefined` if nobody has promised
 * to leave it as it is.
 */
export function partOf(
  object: object,
  memory: SharedArrayBuffer,
  byteOffset: number,
  byteLength: number,
): SharedPart | undefined {
  let part = parts.get(object);
  if (part === undefined && promiseOf(memory, byteOffset, byteLength)) {
    part = new SharedPart(memory, byteOffset, byteLength);
    parts.set(object, part);
  }
  return part;
}

/** A leaf that jobs see where it is. */
export class InPlaceLeaf implements Leaf {
  readonly byteLength: number;
  /** Where it stands, for messages. */
  readonly path: string;
  readonly #part: SharedPart | WeakRef<SharedPart>;
  readonly #object: object | undefined;

  /** `object` is the view or the buffer as it was given, if it is here. */
  constructor(
    part: SharedPart | WeakRef<SharedPart>,
    byteLength: number,
    path: string,
    object?: object,
  ) {
    this.#part = part;
    this.byteLength = byteLength;
    this.path = path;
    this.#object = object;
  }

  /**
   * The memory, and what is known of it.
   *
   * @throws {ArgumentChangedError} if it is not kept, and gone.
   */
  get part(): SharedPart {
    const part = this.#part instanceof WeakRef
      ? this.#part.deref()
      : this.#part;
    if (part !== undefined) return part;
    throw new ArgumentChangedError(`${this.path} is gone since run()`);
  }

  get digest(): string | undefined {
    return this.part.knownDigest;
  }

  peek(): Uint8Array<ArrayBuffer> {
    return this.read();
  }

  read(): Uint8Array<ArrayBuffer> {
    return this.part.bytes.slice();
  }

  /** The same bytes as long as somebody has them; they are not kept for it. */
  weakly(): InPlaceLeaf {
    return new InPlaceLeaf(new WeakRef(this.part), this.byteLength, this.path);
  }

  /** Whether another one has the same bytes. */
  hasBytesOf(other: InPlaceLeaf): boolean {
    const [one, two] = [this.part, other.part];
    if (one.memory === two.memory && one.byteOffset === two.byteOffset) {
      return one.byteLength === two.byteLength;
    }
    return buffers.Buffer.compare(one.bytes, two.bytes) === 0;
  }

  /** What a job gets: a view of that kind, or the buffer itself without one. */
  object(type: ViewClass | undefined): object {
    const given = this.#object;
    if (
      given !== undefined &&
      Object.getPrototypeOf(given) ===
        (type ?? SharedArrayBuffer).prototype
    ) return given;
    const { part } = this;
    const { memory, byteOffset, byteLength } = part;
    const object = type === undefined
      ? memory
      : viewOf(type, memory, byteOffset, byteLength);
    promise(part.bytes);
    parts.set(object, part);
    return object;
  }
}
