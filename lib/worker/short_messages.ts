/**
 * The messages that most of what goes through a pipe consists of, as bytes at
 * fixed places: a Task with arguments of a few bytes, a chunk, and a result of a few bytes.
 * They take a tenth of the time of JSON, and the first thread of a process passes
 * a Task or a chunk on without reading more than its head.
 *
 * All numbers are little-endian.
 *
 * @module
 */

import { SmallValue, textOf } from "../value/small.ts";
import { sizeOf, type UnpackedRun } from "./batch.ts";
import { readNumber } from "./frames.ts";
import type { EncodedValue } from "../value/encoded.ts";
import type { ChunkMessage, RunMessage, WireValue } from "./protocol.ts";
import type { QuickResult } from "./results.ts";

/** Longer ones travel as any other message, in bytes. */
export const LONGEST = 2_048;

/** Where the parts of a Task are, and where what has no fixed length begins. */
const TASK = { NUMBER: 0, FLAG: 4, BITS: 8, CALLED: 10, TIME: 12, REST: 20 };

/** A chunk has these in place of the time; behind what it calls is where the arguments of each item end. */
const CHUNK = { AFTER: 12, COUNT: 16 };

/** Where the parts of a result are, and where what has no fixed length begins. */
const RESULT = { NUMBER: 0, LENGTH: 4, STARTED: 8, DURATION: 16, REST: 24 };

const IS_DIGEST = 1;
const IS_TIMED = 2;
const HAS_KEY = 4;
const HAS_TIME = 8;
const IS_CHUNK = 16;
const IS_MEASURED = 32;

/** Hexadecimal digits of a key. */
const KEY = 64;

/** In place of a length: there is no contribution. */
const ABSENT = 0xffff_ffff;

/** In place of a length: this is no result, but the end of a chunk of that number, or its beginning. */
const ENDS = 0xffff_fffe;
const BEGINS = 0xffff_fffd;

/** The longest list of what is called: its length has two bytes. */
const LONGEST_CALLED = 0xffff;

/** What a Task calls. */
type Called = Pick<RunMessage, "name" | "version" | "code">;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Memory to write to. */
export interface Page {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
}

/** Writes Tasks. */
export class TaskWriter {
  readonly #written = new WeakMap<object, Called & { bytes: Uint8Array }>();

  /** Writes a Task from `at` on, where there is room for it; returns its length, 0 if it has to travel as any other message. */
  write(message: UnpackedRun, { bytes, view }: Page, at: number): number {
    const { key, code, list, upstream, importTimeout } = message;
    if (code.kind !== "module" || upstream.length > 0) return 0;
    if (list.leaves.length > 0) return 0;
    if (key !== undefined && key.length !== KEY) return 0;
    const called = this.#called(message);
    const length = TASK.REST + called.length + (key?.length ?? 0) +
      sizeOf(list);
    if (length > LONGEST) return 0;
    const bits = (message.digest ? IS_DIGEST : 0) |
      (message.timed ? IS_TIMED : 0) |
      (key === undefined ? 0 : HAS_KEY) |
      (importTimeout === undefined ? 0 : HAS_TIME);
    view.setUint32(at + TASK.NUMBER, message.task, true);
    view.setUint32(at + TASK.FLAG, message.flag, true);
    view.setUint16(at + TASK.BITS, bits, true);
    view.setUint16(at + TASK.CALLED, called.length, true);
    view.setFloat64(at + TASK.TIME, importTimeout ?? 0, true);
    let end = at + TASK.REST;
    bytes.set(called, end);
    end += called.length;
    if (key !== undefined) {
      end += encoder.encodeInto(key, bytes.subarray(end)).written;
    }
    if (!(list instanceof SmallValue)) bytes.set(list.bytes, end);
    else {
      const { text } = list;
      for (let i = 0; i < text.length; i++) bytes[end + i] = text.charCodeAt(i);
    }
    return length;
  }

  /** How long a chunk is as bytes; 0 if it has to travel as any other message. */
  lengthOf(message: ChunkMessage): number {
    if (message.code.kind !== "module") return 0;
    const called = this.#called(message).length;
    if (called > LONGEST_CALLED) return 0;
    return TASK.REST + called + 4 * message.ends.length + message.bytes.length;
  }

  /** Writes a chunk from `at` on, where there is room for it. */
  writeChunk(message: ChunkMessage, { bytes, view }: Page, at: number): void {
    const { chunk, after, flag, measured, ends } = message;
    const bits = IS_CHUNK | (measured ? IS_MEASURED : 0);
    const called = this.#called(message);
    view.setUint32(at + TASK.NUMBER, chunk, true);
    view.setUint32(at + TASK.FLAG, flag, true);
    view.setUint16(at + TASK.BITS, bits, true);
    view.setUint16(at + TASK.CALLED, called.length, true);
    view.setUint32(at + CHUNK.AFTER, after ?? 0, true);
    view.setUint32(at + CHUNK.COUNT, ends.length, true);
    let end = at + TASK.REST;
    bytes.set(called, end);
    end += called.length;
    for (let i = 0; i < ends.length; i++, end += 4) {
      view.setUint32(end, ends[i]!, true);
    }
    bytes.set(message.bytes, end);
  }

  #called({ name, version, code }: Called): Uint8Array {
    const last = this.#written.get(code);
    if (last?.name === name && last.version === version) return last.bytes;
    const bytes = encoder.encode(JSON.stringify([name, version, code]));
    this.#written.set(code, { name, version, code, bytes });
    return bytes;
  }
}

/** A Task, or a chunk, as it has come, read no further than its head. */
export class ShortTask {
  /** All of it; somebody else's, who will write to it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Its number. */
  readonly task: number;
  /** The cell of its flag. */
  readonly flag: number;
  /** Whether it is a chunk. */
  readonly isChunk: boolean;

  /** Takes the bytes that a {@linkcode TaskWriter} has written. */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
    this.task = readNumber(bytes, TASK.NUMBER);
    this.flag = readNumber(bytes, TASK.FLAG);
    this.isChunk = (bytes[TASK.BITS]! & IS_CHUNK) !== 0;
  }

  /** The chunk after which a chunk comes; 0 if there is none. */
  get after(): number {
    return readNumber(this.bytes, CHUNK.AFTER);
  }
}

/** Reads Tasks. */
export class TaskReader {
  /** What was called last, and its bytes: mostly it is called again. */
  #last: Uint8Array = new Uint8Array();
  #called: Called | undefined;

  /** The Task, or the chunk, of the bytes from `start` to `end`, which may change afterwards. */
  read(
    bytes: Uint8Array,
    start: number,
    end: number,
  ): RunMessage | ChunkMessage {
    const words = readNumber(bytes, start + TASK.BITS);
    const bits = words & 0xffff;
    let at = start + TASK.REST + (words >>> 16);
    const { name, version, code } = this.#read(bytes, start + TASK.REST, at);
    if (bits & IS_CHUNK) {
      const after = readNumber(bytes, start + CHUNK.AFTER);
      const count = readNumber(bytes, start + CHUNK.COUNT);
      const ends = new Uint32Array(count);
      for (let i = 0; i < count; i++, at += 4) ends[i] = readNumber(bytes, at);
      const list = new Uint8Array(end - at);
      list.set(bytes.subarray(at, end));
      return {
        type: "chunk",
        chunk: readNumber(bytes, start + TASK.NUMBER),
        after: after === 0 ? undefined : after,
        name,
        version,
        code,
        flag: readNumber(bytes, start + TASK.FLAG),
        measured: (bits & IS_MEASURED) !== 0,
        ends,
        bytes: list,
      };
    }
    let key: string | undefined;
    if (bits & HAS_KEY) key = decoder.decode(bytes.slice(at, at += KEY));
    return {
      type: "run",
      task: readNumber(bytes, start + TASK.NUMBER),
      key,
      name,
      version,
      code,
      list: { bytes: copyOf(bytes, at, end), leaves: NO_VALUES },
      upstream: NO_VALUES,
      digest: (bits & IS_DIGEST) !== 0,
      timed: (bits & IS_TIMED) !== 0,
      importTimeout: bits & HAS_TIME
        ? readDouble(bytes, start + TASK.TIME)
        : undefined,
      flag: readNumber(bytes, start + TASK.FLAG),
    };
  }

  #read(bytes: Uint8Array, start: number, end: number): Called {
    if (this.#called !== undefined && isAt(bytes, start, end, this.#last)) {
      return this.#called;
    }
    this.#last = bytes.slice(start, end);
    const [name, version, code] = JSON.parse(decoder.decode(this.#last));
    return this.#called = { name, version, code };
  }
}

const NO_VALUES: readonly never[] = [];

function isAt(
  bytes: Uint8Array,
  start: number,
  end: number,
  what: Uint8Array,
): boolean {
  if (what.length !== end - start) return false;
  for (let i = 0; i < what.length; i++) {
    if (bytes[start + i] !== what[i]) return false;
  }
  return true;
}

/** So few that a loop is quicker than `slice`. */
function copyOf(
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(end - start);
  for (let i = 0; i < copy.length; i++) copy[i] = bytes[start + i]!;
  return copy;
}

/** Writes a result from `at` on, where there is room for it; returns its length, 0 if it has to travel as any other message. */
export function writeResult(
  task: number,
  value: EncodedValue | WireValue,
  contribution: Uint8Array | undefined,
  startedAt: number,
  duration: number,
  { bytes, view }: Page,
  at: number,
): number {
  if (value.leaves.length > 0 || value.files !== undefined) return 0;
  const text = value instanceof SmallValue ? value.text : undefined;
  const own = text?.length ?? value.bytes.length;
  const length = RESULT.REST + own + (contribution?.length ?? 0);
  if (length > LONGEST) return 0;
  view.setUint32(at + RESULT.NUMBER, task, true);
  view.setUint32(at + RESULT.LENGTH, contribution?.length ?? ABSENT, true);
  view.setFloat64(at + RESULT.STARTED, startedAt, true);
  view.setFloat64(at + RESULT.DURATION, duration, true);
  const start = at + RESULT.REST;
  if (text === undefined) bytes.set(value.bytes, start);
  else for (let i = 0; i < own; i++) bytes[start + i] = text.charCodeAt(i);
  if (contribution !== undefined) bytes.set(contribution, start + own);
  return length;
}

/** Writes from `at` on that a chunk begins, or that no more of its items are taken up; returns the length of that. */
export function writeStage(
  chunk: number,
  stage: "begins" | "ends",
  { view }: Page,
  at: number,
): number {
  view.setUint32(at + RESULT.NUMBER, chunk, true);
  view.setUint32(at + RESULT.LENGTH, stage === "begins" ? BEGINS : ENDS, true);
  return RESULT.STARTED;
}

/** Reads the bytes from `start` to `end`, which may change afterwards. */
export function readResult(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: QuickResult,
): QuickResult {
  const length = readNumber(bytes, start + RESULT.LENGTH);
  into.task = readNumber(bytes, start + RESULT.NUMBER);
  into.begins = length === BEGINS;
  into.value = undefined;
  into.contribution = undefined;
  if (length === BEGINS || length === ENDS) return into;
  const last = length === ABSENT ? end : end - length;
  into.value = new SmallValue(textOf(bytes, start + RESULT.REST, last));
  if (length !== ABSENT) into.contribution = copyOf(bytes, last, end);
  into.startedAt = readDouble(bytes, start + RESULT.STARTED);
  into.duration = readDouble(bytes, start + RESULT.DURATION);
  return into;
}

const double = new DataView(new ArrayBuffer(8));

function readDouble(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) double.setUint8(i, bytes[at + i]!);
  return double.getFloat64(0, true);
}
