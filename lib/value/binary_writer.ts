/**
 * Writes binary data, which `decode.ts` reads: few bytes where they stand, more of
 * them as a leaf or by their digest, and shared memory as such where jobs may see it.
 *
 * @module
 */

import { LEAF_BYTES } from "./encoded.ts";
import { LINK_BYTES } from "./format.ts";
import { partOf, type SharedPart } from "./in_place.ts";
import { Tag, typedArrayTag } from "./kinds.ts";
import { MARKED_BYTES, markOf } from "./lent_leaf.ts";
import { Major, type Output } from "./output.ts";
import { ownSymbol, typedArrayKey } from "./own_keys.ts";
import {
  detachedRefusal,
  extraKeyRefusal,
  resizableRefusal,
  sharedBufferRefusal,
  sharedMemoryRefusal,
  symbolKeyRefusal,
} from "./part_refusal.ts";
import type { Trail } from "./path.ts";
import { repeatedLeaves } from "./repeated_leaves.ts";
import { sha256Hex } from "./sha256.ts";
import type { WriterOptions } from "./writer_options.ts";

/** A large binary leaf that faithful bytes refer to. */
export interface LeafSource {
  /** The typed array, DataView or ArrayBuffer. */
  readonly object: object;
  /** Its bytes. */
  readonly bytes: Uint8Array;
  /** Where it stands. */
  readonly path: string;
  /** What is known of the bytes, where they are to be seen in place. */
  readonly part?: SharedPart | undefined;
}

/** Writes the binary data of one value at a time. */
export class BinaryWriter {
  /** The leaves of faithful bytes, by index. */
  leaves: LeafSource[] = [];

  readonly #out: Output;
  readonly #trail: Trail;
  #options: WriterOptions;
  #buffers: Map<object, object> | undefined;

  /** For a walk that writes to `out`, and is where `trail` says; `none` are the options between two values. */
  constructor(out: Output, trail: Trail, none: WriterOptions) {
    this.#out = out;
    this.#trail = trail;
    this.#options = none;
  }

  /** Begins a value. */
  begin(options: WriterOptions): void {
    this.#options = options;
  }

  /** Begins the same value anew. */
  again(): void {
    this.leaves.length = 0;
    this.#buffers = undefined;
  }

  /** Lets go of the value. */
  end(none: WriterOptions): void {
    this.#buffers = undefined;
    this.#options = none;
    if (this.leaves.length > 0) this.leaves = [];
  }

  /** A typed array; `given` if it is to be transferred. */
  typedArray(array: Uint8Array, depth: number, given: boolean): void {
    const symbol = ownSymbol(array);
    if (symbol !== undefined) throw symbolKeyRefusal(symbol, this.#path(depth));
    this.#out.tag(typedArrayTag(array));
    this.#view(array, depth, given);
    const key = typedArrayKey(array as Uint8Array<ArrayBuffer>);
    if (key !== undefined) throw extraKeyRefusal(array, key, this.#path(depth));
  }

  /** A `DataView`, which has no keys. */
  dataView(view: DataView, depth: number, given: boolean): void {
    this.#out.tag(Tag.DATA_VIEW);
    this.#view(view, depth, given);
  }

  /** An `ArrayBuffer`, which has no keys. */
  buffer(buffer: ArrayBuffer, depth: number, given: boolean): void {
    this.#own(buffer, buffer, 0, -1, depth, given);
  }

  /** A `SharedArrayBuffer`, which has no keys. */
  memory(memory: SharedArrayBuffer, depth: number): void {
    this.#shareable(memory, memory, 0, -1, depth);
  }

  #path(depth: number): string {
    return this.#trail.path(depth);
  }

  #view(view: ArrayBufferView, depth: number, given: boolean): void {
    const { buffer } = view;
    if (!(buffer instanceof ArrayBuffer)) {
      const { byteOffset, byteLength } = view;
      return this.#shareable(view, buffer, byteOffset, byteLength, depth);
    }
    // The properties of a detached DataView throw.
    if (buffer.detached) throw detachedRefusal(this.#path(depth));
    const { byteOffset, byteLength } = view;
    this.#own(view, buffer, byteOffset, byteLength, depth, given);
  }

  /** Shared memory, which is data if nobody writes to it any more. */
  #shareable(
    object: object,
    memory: SharedArrayBuffer,
    byteOffset: number,
    byteLength: number,
    depth: number,
  ): void {
    const path = this.#path(depth);
    if (memory.growable) throw resizableRefusal(path);
    const length = byteLength < 0 ? memory.byteLength : byteLength;
    const part = partOf(object, memory, byteOffset, length);
    if (part === undefined) throw sharedMemoryRefusal(path);
    part.check(path);
    if (!this.#options.inPlace || this.#options.deterministic) {
      return this.#bytes(object, part.bytes, depth, false, part);
    }
    this.#out.tag(Tag.IN_PLACE);
    this.#leaf({ object, bytes: part.bytes, path, part });
  }

  /** Memory that nobody else writes to. */
  #own(
    object: object,
    buffer: ArrayBuffer,
    byteOffset: number,
    byteLength: number,
    depth: number,
    given: boolean,
  ): void {
    if (buffer.detached) throw detachedRefusal(this.#path(depth));
    if (buffer.resizable) {
      throw resizableRefusal(this.#path(depth));
    }
    this.#buffers ??= new Map();
    const owner = this.#buffers.get(buffer);
    if (owner === undefined) {
      this.#buffers.set(buffer, object);
    } else if (owner !== object) {
      throw sharedBufferRefusal(this.#options.root, this.#path(depth));
    }
    if (given) this.#options.transfers!.addBuffer(buffer);
    const bytes = byteLength < 0
      ? new Uint8Array(buffer)
      : new Uint8Array(buffer, byteOffset, byteLength);
    this.#bytes(object, bytes, depth, given);
  }

  #bytes(
    object: object,
    bytes: Uint8Array,
    depth: number,
    given: boolean,
    part?: SharedPart,
  ): void {
    const out = this.#out;
    if (this.#options.deterministic) {
      if (bytes.length > LINK_BYTES) {
        out.tag(Tag.RAW_LINK);
        out.byteString(
          Uint8Array.fromHex(this.#digest(object, bytes, given, part)),
        );
      } else {
        out.byteString(bytes);
      }
    } else if (bytes.length >= LEAF_BYTES) {
      out.tag(Tag.LEAF);
      this.#leaf({ object, bytes, path: this.#path(depth) });
    } else {
      out.byteString(bytes);
    }
  }

  #leaf(source: LeafSource): void {
    const out = this.#out;
    out.head(Major.ARRAY, 2);
    out.head(Major.UINT, this.leaves.length);
    out.head(Major.UINT, source.bytes.length);
    this.leaves.push(source);
  }

  #digest(
    object: object,
    bytes: Uint8Array,
    given: boolean,
    part: SharedPart | undefined,
  ): string {
    const known = this.#options.digests?.get(object);
    if (known !== undefined) return known;
    const { marks } = this.#options;
    const isLeaf = bytes.length >= LEAF_BYTES;
    if (part !== undefined) {
      if (marks === undefined || !isLeaf) {
        this.#options.digests?.set(object, part.digest);
        return part.digest;
      }
      marks.set(object, part.sample);
      return part.sample.toString(16).padStart(64, "e");
    }
    if (marks !== undefined && isLeaf && given) {
      // Nobody else has it or will have it.
      const number = marks.get(object) ?? this.#options.transfers!.nextNumber();
      marks.set(object, number);
      return number.toString(16).padStart(64, "f");
    }
    if (marks !== undefined && bytes.length >= MARKED_BYTES) {
      const mark = marks.get(object) ?? markOf(bytes);
      marks.set(object, mark);
      return (mark >>> 0).toString(16).padStart(64, "0");
    }
    let digest = isLeaf ? repeatedLeaves.digestOf(object, bytes) : undefined;
    if (digest === undefined) {
      digest = sha256Hex(bytes);
      if (isLeaf) repeatedLeaves.note(object, bytes, digest);
    }
    this.#options.digests?.set(object, digest);
    return digest;
  }
}
