/**
 * Makes frames of messages; see `frames.ts`.
 *
 * @module
 */

import type { EncodedValue } from "../value/encoded.ts";
import { SmallValue } from "../value/small.ts";
import type { UnpackedRun } from "./batch.ts";
import {
  AHEAD,
  HEAD,
  IN_PLACE,
  Kind,
  LENGTH,
  MARK,
  REFERENCE,
  SMALL,
} from "./frames.ts";
import { keptReference } from "./kept.ts";
import type { ChunkMessage, DoneMessage, WireValue } from "./protocol.ts";
import {
  type Page,
  TaskWriter,
  writeResult,
  writeStage,
} from "./short_messages.ts";

const encoder = new TextEncoder();

/** Makes frames. */
export class FrameWriter {
  /** Where most of them are put together. */
  readonly #page = pageOf(new Uint8Array(AHEAD));
  readonly #tasks = new TaskWriter();
  /** The numbers of shared memory whose bytes the reader has kept. */
  #kept = new WeakMap<SharedArrayBuffer, number>();
  #keptCount = 0;
  /** The arrays that the reader is to put into shared memory. */
  readonly #inPlace = new Set<Uint8Array>();

  /** Whether the reader keeps anything. */
  get hasKept(): boolean {
    return this.#keptCount > 0;
  }

  /** The reader has been told to forget what it keeps. */
  forgotten(): void {
    this.#kept = new WeakMap();
    this.#keptCount = 0;
  }

  /**
   * The pieces of a frame, to be written one after the other: all that is small in
   * the first, and each large array as it is.
   */
  write(message: object): Uint8Array[] {
    return this.#short(message as UnpackedRun | ChunkMessage | DoneMessage) ??
      this.#any(message);
  }

  #short(
    message: UnpackedRun | ChunkMessage | DoneMessage,
  ): [Uint8Array<ArrayBuffer>] | undefined {
    switch (message.type) {
      case "run": {
        const length = this.#tasks.write(message, this.#page, HEAD);
        if (length === 0) return undefined;
        writeHead(this.#page, Kind.TASK, length, 0);
        return [this.#page.bytes.slice(0, HEAD + length)];
      }
      case "chunk": {
        const length = this.#tasks.lengthOf(message);
        if (length === 0) return undefined;
        const page = pageOf(new Uint8Array(HEAD + length));
        this.#tasks.writeChunk(message, page, HEAD);
        writeHead(page, Kind.TASK, length, 0);
        return [page.bytes];
      }
      case "done": {
        const { task, status, value, contribution, timing, retire } = message;
        if (status !== "finished" || retire) return undefined;
        const { startedAt, duration } = timing;
        const frame = this.result(
          task,
          value,
          contribution,
          startedAt,
          duration,
        );
        return frame && [frame.slice()];
      }
    }
  }

  /** The frame of a result of a few bytes, which stays no longer than until the next one; `undefined` if it has to travel as any other message. */
  result(
    task: number,
    value: EncodedValue | WireValue,
    contribution: Uint8Array | undefined,
    startedAt: number,
    duration: number,
  ): Uint8Array<ArrayBuffer> | undefined {
    const page = this.#page;
    const length = writeResult(
      task,
      value,
      contribution,
      startedAt,
      duration,
      page,
      HEAD,
    );
    return length === 0 ? undefined : this.#resultFrame(length);
  }

  /** The frame that says how far a chunk is; as that of a result. */
  stage(chunk: number, stage: "begins" | "ends"): Uint8Array<ArrayBuffer> {
    return this.#resultFrame(writeStage(chunk, stage, this.#page, HEAD));
  }

  #resultFrame(length: number): Uint8Array<ArrayBuffer> {
    writeHead(this.#page, Kind.RESULT, length, 0);
    return this.#page.bytes.subarray(0, HEAD + length);
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
      setLength(view, at, array.byteLength, this.#inPlace.has(array));
      at += LENGTH;
    }
    for (let i = 0; i < together; i++) {
      bytes.set(arrays[i]!, at);
      at += arrays[i]!.byteLength;
    }
    this.#inPlace.clear();
    const first = isShort ? bytes.slice(0, at) : bytes.subarray(0, at);
    return [first, ...arrays.slice(together)];
  }

  /** The same message, with each byte array, and shared memory that is sent for the first time, put into `arrays`. */
  #withReferences(value: unknown, arrays: Uint8Array[]): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (value instanceof Uint8Array) {
      if (value.buffer instanceof SharedArrayBuffer) this.#inPlace.add(value);
      return referTo(value, arrays);
    }
    if (value instanceof SmallValue) {
      const { bytes, leaves } = value;
      return this.#withReferences({ bytes, leaves }, arrays);
    }
    if (value instanceof SharedArrayBuffer) return this.#keep(value, arrays);
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

  #keep(memory: SharedArrayBuffer, arrays: Uint8Array[]): object {
    const known = this.#kept.get(memory);
    if (known !== undefined) return keptReference(known);
    const number = this.#keptCount++;
    this.#kept.set(memory, number);
    return keptReference(number, referTo(new Uint8Array(memory), arrays));
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

function setLength(
  view: DataView,
  at: number,
  length: number,
  isInPlace: boolean,
): void {
  const high = Math.floor(length / 2 ** 32);
  view.setUint32(at, length, true);
  view.setUint32(at + 4, isInPlace ? high + IN_PLACE : high, true);
}

/** What stands for a byte array, which goes into `arrays`. */
function referTo(array: Uint8Array, arrays: Uint8Array[]): object {
  arrays.push(array);
  return { [REFERENCE]: arrays.length - 1 };
}
