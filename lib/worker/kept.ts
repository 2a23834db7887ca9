/**
 * What a process keeps of the memory that its program shares between threads: the
 * bytes come with the first message that refers to it, and others refer to them by
 * number. They are no shared memory here, which could not be given back at once.
 *
 * @module
 */

/** Says in a message which memory is meant; no message has a property of this name. */
const NUMBER = "\0kept";

/** Stands in a message for memory that is kept; with the bytes if they are new. */
export function keptReference(number: number, bytes?: Uint8Array): object {
  return bytes === undefined
    ? { [NUMBER]: number }
    : { [NUMBER]: number, bytes };
}

/** Bytes that are kept, by number. */
export class Kept {
  readonly #buffers = new Map<number, ArrayBuffer>();

  /** The same message, changed in place, with the memory that it refers to. */
  resolve<T>(message: T): T {
    return this.#resolve(message) as T;
  }

  /** Gives all memory back; nothing that comes refers to it. */
  forget(): void {
    for (const buffer of this.#buffers.values()) buffer.transfer(0);
    this.#buffers.clear();
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
    for (const name in parts) {
      const part = parts[name];
      if (typeof part === "object") parts[name] = this.#resolve(part);
    }
    return value;
  }
}
