/**
 * The messages between whoever hands out Tasks and a worker. Types only, no
 * behaviour: a web worker gets them by structured clone, other workers as frames
 * (see `frames.ts`), so they hold nothing but plain data and byte arrays.
 *
 * One worker may have several Tasks at once; `task` says which one is meant: a
 * number that the sender has never used for this worker before.
 *
 * @module
 */

import type { ConsoleLine, TaskEvent, Timing } from "../task.ts";
import type { FileContent } from "../value/encoded.ts";
import type { IdleMemory } from "./memory_watch.ts";

/** To be raised whenever a message changes its meaning. */
export const PROTOCOL_VERSION = 1;

/** An encoded value on its way: the leaves as plain bytes. */
export interface WireValue {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly leaves: readonly WireLeaf[];
  /** The files that a result refers to; not sent with arguments, which are looked at by the program itself. */
  readonly files?: readonly FileContent[] | undefined;
}

/** The bytes of a leaf, or memory of several threads that nobody writes to any more; and its digest where it is known. */
export type WireLeaf =
  | {
    readonly bytes: Uint8Array<ArrayBuffer>;
    readonly digest?: string | undefined;
    /** CRC-32, where there is no digest. */
    readonly mark?: number | undefined;
    /** Whether it was transferred, and its sender has it no more. */
    readonly moved?: boolean | undefined;
  }
  | {
    readonly shared: ArrayBufferLike;
    readonly digest?: string | undefined;
  }
  | InPlaceWireLeaf
  | NestedWireLeaf;

/** Memory that the job itself looks at, as nobody writes to it. */
export interface InPlaceWireLeaf {
  readonly view: Uint8Array<SharedArrayBuffer>;
  /** What its bytes look like; see `in_place.ts`. */
  readonly sample: number;
  readonly digest?: string | undefined;
  /** Where it stands, for messages. */
  readonly path: string;
}

/** The same of a job that a job submits: in memory that both sides have for that job. */
export interface NestedWireLeaf extends Omit<InPlaceWireLeaf, "view"> {
  /** The number of the memory: first come the leaves among the arguments of the job that submits, then what was sent here. */
  readonly memory: number;
  /** The memory, the first time. */
  readonly whole?: Uint8Array<SharedArrayBuffer> | undefined;
  /** Where in it the leaf begins. */
  readonly offset: number;
  readonly length: number;
}

/** Where the code is; as `CodeReference`, with the values on their way. */
export type WireCode =
  | { readonly kind: "module"; readonly url: string }
  | {
    readonly kind: "source";
    readonly source: string;
    readonly imports: Readonly<Record<string, string>>;
    readonly values: WireValue;
  };

/** To the worker: run this. */
export interface RunMessage {
  readonly type: "run";
  readonly task: number;
  /** Absent if it comes from name, version and `list` alone, and nobody has computed it. */
  readonly key: string | undefined;
  readonly name: string;
  readonly version: string;
  readonly code: WireCode;
  readonly list: WireValue;
  readonly upstream: readonly WireValue[];
  readonly digest: boolean;
  /** Whether a `started` message is wanted. */
  readonly timed: boolean;
  /** Whether a process is to say when all of it is there, with `arrived`. */
  readonly isLarge?: boolean | undefined;
  /** How long the import of its code may take, in ms; present where the sender waits for `imported`. */
  readonly importTimeout?: number | undefined;
  /** The cell of the worker's shared flags that says how far the Task is; see {@linkcode Flag}. */
  readonly flag: number;
}

/**
 * To the worker: run these Tasks of one function one after the other. What it has not begun can be taken back
 * through the flags; then, or if it retires first, it answers with `skipped`.
 */
export interface BatchMessage {
  readonly type: "batch";
  readonly name: string;
  readonly version: string;
  readonly code: WireCode;
  /** One for each Task, as in a `RunMessage`; so are the next three. */
  readonly tasks: readonly number[];
  readonly keys?: readonly (string | undefined)[] | undefined;
  readonly digests: readonly boolean[];
  readonly flags: readonly number[];
  /** Whether a `started` message is wanted of the first. */
  readonly timed?: boolean;
  /** Where the argument list of each Task ends in `bytes`. */
  readonly ends: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** One more Task, whose arguments are more than a few bytes. */
  readonly last?: RunMessage | undefined;
}

/**
 * To the worker: call this function for each of these items, one after the other. What it has not begun can be
 * taken back through the flag that they share; it answers with `chunkDone` when it has come to the end of them. An
 * item is a Task whose number is that of the chunk, plus 1 for the first item, 2 for the second and so on.
 */
export interface ChunkMessage {
  readonly type: "chunk";
  readonly chunk: number;
  /** The chunk whose turn comes before, if that is still here. */
  readonly after: number | undefined;
  readonly name: string;
  readonly version: string;
  readonly code: WireCode;
  /** The cell of the flag, which counts from {@linkcode Flag}.ITEMS on those that have begun. */
  readonly flag: number;
  /** Whether it is asked how long each item takes: if not, it is enough to know it of a few short ones together. */
  readonly measured: boolean;
  /** Where the argument list of each item ends in `bytes`. */
  readonly ends: Uint32Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** To the worker: the function of this number, for Tasks that come through shared memory (see `requests.ts`). */
export interface FunctionMessage {
  readonly type: "function";
  readonly fn: number;
  readonly name: string;
  readonly version: string;
  /** Code that the worker has imported already. */
  readonly code: WireCode;
}

/** What a shared flag says of a Task. */
export const Flag = {
  /** It was sent and has not begun: the worker and the sender both may change that, whoever comes first. */
  SENT: 0,
  /** The worker has begun with it. */
  BEGUN: 1,
  /** It is to stop: nobody wants it any more. */
  CANCELLED: 2,
  /** It is to stop: it has run out of time. */
  TIMED_OUT: 3,
  /** The sender has taken it back, to give it to another worker. */
  RECALLED: 4,
  /** As `SENT`, and a `started` message is wanted: it should have begun by now. */
  WATCHED: 5,
  /** Of a chunk: no item has begun; with each that does it is one more. */
  ITEMS: 16,
} as const;

/** To the worker: stop this; answered at once with `acknowledged` by a worker that is not busy. */
export interface CancelMessage {
  readonly type: "cancel";
  readonly task: number;
  /** The cell of its flag. */
  readonly flag: number;
  /** The encoded reason. */
  readonly reason: WireValue;
  /** Whether the Task has run out of time. */
  readonly timedOut: boolean;
}

/**
 * To a process, whose flags are out of reach: take back of these Tasks what has not begun; answered at once with
 * `recalled`, also while the worker is busy.
 */
export interface RecallMessage {
  readonly type: "recall";
  readonly tasks: readonly number[];
  /** The chunks of which no more items are to be taken up. */
  readonly chunks: readonly number[];
}

/**
 * To a process that was idle when it was sent these Tasks: see whether it has begun with them. Of each that it has not
 * begun it says so at once, with `unbegun`, also while the worker is busy, and `started` when it begins.
 */
export interface WatchMessage {
  readonly type: "watch";
  readonly tasks: readonly number[];
}

/** To a process: what it keeps is not referred to any more. To any worker: so is memory that jobs have looked at. */
export interface ForgetMessage {
  readonly type: "forget";
  /** The numbers of that memory, if it is that, and how many bytes there were. */
  readonly views?: readonly number[] | undefined;
  readonly bytes?: number | undefined;
}

/** Memory for what is a few bytes long, in either direction. */
export interface QuickMemory {
  /** Tasks; see `requests.ts`. */
  readonly requests: SharedArrayBuffer;
  /** Chunks; see `chunk_requests.ts`. */
  readonly chunks: SharedArrayBuffer;
  /** Results; see `results.ts`. */
  readonly results: SharedArrayBuffer;
  /** By which each side calls the other; see `bell.ts`. */
  readonly bells: SharedArrayBuffer;
}

/** To the worker, once, first: what it needs to begin. */
export interface BeginMessage {
  readonly type: "begin";
  readonly protocol: number;
  /** Int32 cells, one for each Task at a time; shared, so that synchronous code sees a cancel. Absent where memory cannot be shared. */
  readonly flags?: SharedArrayBuffer;
  /** The way of what is a few bytes long. Absent where memory cannot be shared. */
  readonly quick?: QuickMemory | undefined;
  /** How many of them there are, where the memory cannot be shared and a process makes its own. */
  readonly cells?: number;
  /** What the worker is to be replaced for: to stand above it when it has no Task. */
  readonly memory?: IdleMemory | undefined;
  /** Counts what is on its way from the worker, where nothing else holds it up. */
  readonly output?: SharedArrayBuffer;
  /** Where short Tasks come, besides, in a process: see `inbox.ts`. */
  readonly inbox?: SharedArrayBuffer;
}

/** Of the news: a job is queued, or runs. */
export interface NestedMovedMessage {
  readonly type: "nestedMoved";
  readonly id: number;
  readonly status: "queued" | "running";
  readonly key: string;
}

/** Of the news: what a job reports that it watches. */
export interface NestedEventMessage {
  readonly type: "nestedEvent";
  readonly id: number;
  readonly event: TaskEvent;
  /** Whether it came about before the job was watched. */
  readonly past: boolean;
}

/** Of the news: what became of a job. */
export interface NestedDoneMessage {
  readonly type: "nestedDone";
  readonly id: number;
  readonly status: "finished" | "error" | "cancelled";
  readonly value: WireValue;
  readonly console: readonly ConsoleLine[];
  /** Absent if the job did not run. */
  readonly timing?: Timing | undefined;
  readonly key?: string | undefined;
  readonly cached: boolean;
  readonly attempts: number;
}

/** To the worker: what has come about of the jobs that it has submitted, in that order. */
export interface NestedNewsMessage {
  readonly type: "nestedNews";
  readonly news: readonly NestedNews[];
}

/** One piece of news of a job. */
export type NestedNews =
  | NestedMovedMessage
  | NestedEventMessage
  | NestedDoneMessage;

/** What a worker is told. */
export type ToWorker =
  | BeginMessage
  | RunMessage
  | BatchMessage
  | ChunkMessage
  | FunctionMessage
  | CancelMessage
  | RecallMessage
  | WatchMessage
  | ForgetMessage
  | NestedNewsMessage;

/** From the worker: ready for Tasks. */
export interface HelloMessage {
  readonly type: "hello";
  readonly protocol: number;
  /** How many bytes it has before its first Task, if that is more than it may keep. */
  readonly tooMuch?: number | undefined;
}

/** From the worker: the code of the Task is here. */
export interface ImportedMessage {
  readonly type: "imported";
  readonly task: number;
}

/** From the worker: the function is about to be called. */
export interface StartedMessage {
  readonly type: "started";
  readonly task: number;
}

/** From the worker: a console line, progress. */
export interface EventMessage {
  readonly type: "event";
  readonly task: number;
  readonly event: TaskEvent;
}

/** From the worker: what became of the Task. Console lines went before as events. */
export interface DoneMessage {
  readonly type: "done";
  readonly task: number;
  readonly status: "finished" | "error";
  readonly value: WireValue;
  readonly contribution?: Uint8Array<ArrayBuffer>;
  readonly timing: Timing;
  /** As in `Outcome`. */
  readonly lost?: boolean;
  /** The worker must not get another Task: something of this one may still be running in it. */
  readonly retire?: boolean;
}

/** From the worker: it takes up no more items of a chunk, and those that it has are done. Says as much as `results`. */
export interface ChunkDoneMessage {
  readonly type: "chunkDone";
  readonly chunk: number;
}

/**
 * From the worker: something for the person at the program's own console, as not everyone sees what a worker
 * prints (in a notebook nobody does). It belongs to no Task that runs.
 */
export interface WarningMessage {
  readonly type: "warning";
  readonly line: ConsoleLine;
  /** The function that printed it after its job had ended; absent if the worker itself has something to say. */
  readonly name?: string;
}

/** From the worker: this Task needs a worker that has not parked a script yet. */
export interface RefusedMessage {
  readonly type: "refused";
  readonly task: number;
  /** The leaves of its arguments that the sender has no more, by index. */
  readonly moved?: readonly WireLeaf[] | undefined;
}

/** From the worker: it has no Task and stands above the memory that it may keep. */
export interface OutgrownMessage {
  readonly type: "outgrown";
}

/** From the worker: it has not begun with this Task and never will. */
export interface SkippedMessage {
  readonly type: "skipped";
  readonly task: number;
  /** As in `DoneMessage`. */
  readonly retire?: boolean;
  /** As in `RefusedMessage`. */
  readonly moved?: readonly WireLeaf[] | undefined;
}

/**
 * From a process: this Task was cancelled before it began, and never will begin. Its worker thread is busy, and
 * answers with `skipped` when it comes to it.
 */
export interface WithdrawnMessage {
  readonly type: "withdrawn";
  readonly task: number;
}

/** From a process: this Task was cancelled and had begun, unless it waits for its code. */
export interface BegunMessage {
  readonly type: "begun";
  readonly task: number;
}

/** From a process: this Task, for which it was asked, has not begun. */
export interface UnbegunMessage {
  readonly type: "unbegun";
  readonly task: number;
}

/** From a process: all of this Task is there, and its worker thread has it. */
export interface ArrivedMessage {
  readonly type: "arrived";
  readonly task: number;
}

/** From a process: these Tasks were taken back before they began. Its worker answers each with `skipped` when it comes to it. */
export interface RecalledMessage {
  readonly type: "recalled";
  readonly tasks: readonly number[];
  /** Of how many items of each chunk the worker has begun with, and will have at most. */
  readonly chunks: readonly {
    readonly chunk: number;
    readonly begun: number;
  }[];
}

/** From the worker: the cancel arrived, so the event loop is alive. */
export interface AcknowledgedMessage {
  readonly type: "acknowledged";
  readonly task: number;
}

/** From the worker: this Task submits a job, to which the worker gives a number that it has never used before. */
export interface NestedMessage {
  readonly type: "nested";
  readonly task: number;
  readonly id: number;
  readonly name: string;
  readonly version: string;
  readonly code: WireCode;
  /** As in `NestedRequest`; so are the next three. */
  readonly source: string;
  readonly definedAt: number;
  readonly label: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly list: WireValue;
  /** The numbers of the jobs among the arguments. */
  readonly upstream: readonly number[];
}

/** From the worker: cancel a job that it has submitted. */
export interface NestedCancelMessage {
  readonly type: "nestedCancel";
  readonly id: number;
  /** The encoded reason. */
  readonly reason: WireValue;
}

/** From the worker: tell what this job prints and reports. */
export interface NestedWatchMessage {
  readonly type: "nestedWatch";
  readonly id: number;
}

/** From the worker: these jobs will not be arguments any more. */
export interface NestedReleaseMessage {
  readonly type: "nestedRelease";
  readonly ids: readonly number[];
}

/** From the worker: this Task waits for jobs and gives up its slot, or goes on. */
export interface WaitingMessage {
  readonly type: "waiting";
  readonly task: number;
  readonly waits: boolean;
  /** The numbers of jobs that it awaits from now on, until they have settled. */
  readonly awaited: readonly number[];
}

/** What a worker tells. */
export type FromWorker =
  | HelloMessage
  | ImportedMessage
  | StartedMessage
  | EventMessage
  | DoneMessage
  | ChunkDoneMessage
  | WarningMessage
  | OutgrownMessage
  | RefusedMessage
  | SkippedMessage
  | WithdrawnMessage
  | BegunMessage
  | UnbegunMessage
  | ArrivedMessage
  | RecalledMessage
  | AcknowledgedMessage
  | NestedMessage
  | NestedCancelMessage
  | NestedWatchMessage
  | NestedReleaseMessage
  | WaitingMessage;
