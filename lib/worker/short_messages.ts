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
    const view = viewOf(bytes);
    this.bytes = bytes;
    this.task = view.getUint32(TASK.NUMBER, true);
    this.flag = view.getUint32(TASK.FLAG, true);
  }
}

/** Reads Tasks. */
export class TaskReader {
  /** What was called last, and its bytes: mostly it is called again. */
  #last: Uint8Array = new Uint8Array();
  #called: Called | undefined;

  /** The Task of these bytes, which may change afterwards. */
  read(bytes: Uint8Array<ArrayBuffer>): RunMessage {
    const view = viewOf(bytes);
    const bits = view.getUint16(TASK.BITS, true);
    let end = TASK.REST + view.getUint16(TASK.CALLED, true);
    const { name, version, code } = this.#read(
      bytes.subarray(TASK.REST, end),
    );
    let key: string | undefined;
    if (bits & HAS_KEY) key = decoder.decode(bytes.subarray(end, end += KEY));
    return {
      type: "run",
      task: view.getUint32(TASK.NUMBER, true),
      key,
      name,
      version,
      code,
      list: { bytes: bytes.slice(end), leaves: [] },
      upstream: [],
      digest: (bits & IS_DIGEST) !== 0,
      timed: (bits & IS_TIMED) !== 0,
      importTimeout: bits & HAS_TIME
        ? view.getFloat64(TASK.TIME, true)
        : undefined,
      flag: view.getUint32(TASK.FLAG, true),
    };
  }

  #read(bytes: Uint8Array<ArrayBuffer>): Called {
    if (this.#called !== undefined && isSame(bytes, this.#last)) {
      return this.#called;
    }
    const [name, version, code] = JSON.parse(decoder.decode(bytes));
    this.#last = bytes.slice();
    return this.#called = { name, version, code };
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
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
  const view = viewOf(bytes);
  const length = view.getUint32(RESULT.LENGTH, true);
  const end = length === ABSENT ? bytes.length : bytes.length - length;
  const message: DoneMessage = {
    type: "done",
    task: view.getUint32(RESULT.NUMBER, true),
    status: "finished",
    value: end - RESULT.REST > SMALL_BYTES
      ? { bytes: bytes.slice(RESULT.REST, end), leaves: [] }
      : new SmallValue(textOf(bytes, RESULT.REST, end)),
    timing: {
      startedAt: view.getFloat64(RESULT.STARTED, true),
      duration: view.getFloat64(RESULT.DURATION, true),
    },
  };
  return length === ABSENT
    ? message
    : { ...message, contribution: bytes.slice(end) };
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
