/**
 * The two messages that most of what goes through a pipe consists of, as bytes at
 * fixed places: a Task with arguments of a few bytes, and a result of a few bytes.
 * They take a tenth of the time of JSON, and the first thread of a process passes
 * a Task on without reading more than its head.
 *
 * All numbers are little-endian.
 *
 * @module
 */

import { SMALL_BYTES, SmallValue, textOf } from "../value/small.ts";
import { sizeOf, type UnpackedRun } from "./batch.ts";
import { readNumber } from "./frames.ts";
import type { DoneMessage, RunMessage } from "./protocol.ts";

/** Longer ones travel as any other message, in bytes. */
export const LONGEST = 2_048;

/** Where the parts of a Task are, and where what has no fixed length begins. */
const TASK = { NUMBER: 0, FLAG: 4, BITS: 8, CALLED: 10, TIME: 12, REST: 20 };

/** Where the parts of a result are, and where what has no fixed length begins. */
const RESULT = { NUMBER: 0, LENGTH: 4, STARTED: 8, DURATION: 16, REST: 24 };

const IS_DIGEST = 1;
const IS_TIMED = 2;
const HAS_KEY = 4;
const HAS_TIME = 8;

/** Hexadecimal digits of a key. */
const KEY = 64;

/** In place of a length: there is no contribution. */
const ABSENT = 0xffff_ffff;

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

  #called({ name, version, code }: Called): Uint8Array {
    const last = this.#written.get(code);
    if (last?.name === name && last.version === version) return last.bytes;
    const bytes = encoder.encode(JSON.stringify([name, version, code]));
    this.#written.set(code, { name, version, code, bytes });
    return bytes;
  }
}

/** A Task as it has come, read no further than its head. */
export class ShortTask {
  /** All of it; somebody else's, who will write to it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Its number. */
  readonly task: number;
  /** The cell of its flag. */
  readonly flag: number;

  /** Takes the bytes that a {@linkcode TaskWriter} has written. */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
    this.task = readNumber(bytes, TASK.NUMBER);
    this.flag = readNumber(bytes, TASK.FLAG);
  }
}

/** Reads Tasks. */
export class TaskReader {
  /** What was called last, and its bytes: mostly it is called again. */
  #last: Uint8Array = new Uint8Array();
  #called: Called | undefined;

  /** The Task of the bytes from `start` to `end`, which may change afterwards. */
  read(bytes: Uint8Array, start: number, end: number): RunMessage {
    const words = readNumber(bytes, start + TASK.BITS);
    const bits = words & 0xffff;
    let at = start + TASK.REST + (words >>> 16);
    const { name, version, code } = this.#read(bytes, start + TASK.REST, at);
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
  message: DoneMessage,
  { bytes, view }: Page,
  at: number,
): number {
  const { status, value, contribution, timing } = message;
  if (status !== "finished" || message.retire || value.files !== undefined) {
    return 0;
  }
  if (value.leaves.length > 0) return 0;
  const first = value.bytes.length;
  const length = RESULT.REST + first + (contribution?.length ?? 0);
  if (length > LONGEST) return 0;
  view.setUint32(at + RESULT.NUMBER, message.task, true);
  view.setUint32(at + RESULT.LENGTH, contribution?.length ?? ABSENT, true);
  view.setFloat64(at + RESULT.STARTED, timing.startedAt, true);
  view.setFloat64(at + RESULT.DURATION, timing.duration, true);
  bytes.set(value.bytes, at + RESULT.REST);
  if (contribution !== undefined) {
    bytes.set(contribution, at + RESULT.REST + first);
  }
  return length;
}

/** The result of these bytes, which may change afterwards. */
export function readResult(bytes: Uint8Array<ArrayBuffer>): DoneMessage {
  const length = readNumber(bytes, RESULT.LENGTH);
  const end = length === ABSENT ? bytes.length : bytes.length - length;
  const message: DoneMessage = {
    type: "done",
    task: readNumber(bytes, RESULT.NUMBER),
    status: "finished",
    value: end - RESULT.REST > SMALL_BYTES
      ? { bytes: bytes.slice(RESULT.REST, end), leaves: [] }
      : new SmallValue(textOf(bytes, RESULT.REST, end)),
    timing: {
      startedAt: readDouble(bytes, RESULT.STARTED),
      duration: readDouble(bytes, RESULT.DURATION),
    },
  };
  return length === ABSENT
    ? message
    : { ...message, contribution: bytes.slice(end) };
}

const double = new DataView(new ArrayBuffer(8));

function readDouble(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) double.setUint8(i, bytes[at + i]!);
  return double.getFloat64(0, true);
}
