/**
 * What a worker keeps of the memory that its program shares between threads: the
 * bytes come with the first message that refers to it, and others refer to them by
 * number. In a process they are no shared memory, which could not be given back at once;
 * but what `hi.share` has made is, as jobs look at that memory itself.
 *
 * @module
 */

import { SharedGarbage } from "../garbage.ts";
import type { ForgetMessage } from "./protocol.ts";

/** Says in a message which memory is meant; no message has a property of this name. */
const NUMBER = "\0kept";

/** Stands in a message for memory that is kept; with what stands for the bytes if they are new. */
export function keptReference(number: number, bytes?: object): object {
  return bytes === undefined
    ? { [NUMBER]: number }
    : { [NUMBER]: number, bytes };
}

/** Says in a message which view of memory is meant that jobs look at; no message has a property of this name. */
const VIEW = "\0view";

/** A view of memory that a process has, or gets with it. */
export interface KeptView {
  /** The number of the memory. */
  readonly number: number;
  /** The memory, if it is new. */
  readonly bytes?: Uint8Array<SharedArrayBuffer>;
  /** Where in it the view begins. */
  readonly offset: number;
  readonly byteLength: number;
  /** The numbers of memory that nothing will refer to any more. */
  readonly gone: readonly number[];
}

/** Stands in a message for a view of memory that jobs look at. */
export function viewReference({ number, ...view }: KeptView): object {
  return { [VIEW]: number, ...view };
}

/** Bytes that are kept, by number. */
export class Kept {
  readonly #buffers = new Map<number, ArrayBuffer>();
  /** Shared memory that jobs look at: these have it as long as they want. */
  readonly #views = new Map<number, Uint8Array<SharedArrayBuffer>>();
  readonly #garbage = new SharedGarbage();

  /** The same message, changed in place, with the memory that it refers to. */
  resolve<T>(message: T): T {
    return this.#resolve(message) as T;
  }

  /** Gives all memory back; nothing that comes refers to it. */
  forget(): void {
    for (const buffer of this.#buffers.values()) buffer.transfer(0);
    this.#buffers.clear();
  }

  /** Lets go of memory that jobs have looked at. */
  forgetViews({ views = [], bytes = 0 }: ForgetMessage): void {
    for (const number of views) this.#views.delete(number);
    this.#garbage.add(bytes);
  }

  #view(
    number: number,
    { bytes, offset, byteLength, gone }: KeptView,
  ): Uint8Array<SharedArrayBuffer> {
    for (const number of gone) this.#views.delete(number);
    if (bytes !== undefined) this.#views.set(number, bytes);
    // Between threads the memory around it is there as well.
    const { buffer, byteOffset } = this.#views.get(number)!;
    return new Uint8Array(buffer, byteOffset + offset, byteLength);
  }

  #resolve(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (ArrayBuffer.isView(value)) return value;
    const parts = value as Record<string, unknown>;
    const number = parts[NUMBER];
    if (number !== undefined) {
      if (parts.bytes !== undefined) {
        const { buffer } = parts.bytes as Uint8Array<ArrayBuffer>;
        this.#buffers.set(number as number, buffer);
      }
      return this.#buffers.get(number as number);
    }
    const view = parts[VIEW];
    if (view !== undefined) {
      return this.#view(view as number, value as KeptView);
    }
    for (const name in parts) {
      const part = parts[name];
      if (typeof part === "object") parts[name] = this.#resolve(part);
    }
    return value;
  }
}
