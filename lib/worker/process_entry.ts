/**
 * The entry point of a process that runs jobs, on this machine or another: it
 * speaks the protocol through a pipe, and knows nothing of who is at the other
 * end. Its first argument says where the pipe is ({@linkcode PipePlace}), its
 * second, if there is one, what its jobs may do less than itself ({@linkcode ProcessSandbox}).
 *
 * The jobs run in a web worker, which writes its answers into the pipe itself.
 * This thread does nothing but wait for the next message. So it hears of a cancel
 * while a job computes, and when the other side goes, however that came about,
 * the pipe ends and with it this process, whatever the jobs are doing.
 *
 * @module
 */

import { largeBuffersOf } from "./frames.ts";
import { SharedGarbage } from "../garbage.ts";
import { Inbox, inboxMemory } from "./inbox.ts";
import {
  dropPermissions,
  MessageSink,
  MessageSource,
  openInput,
  openOutput,
  type PipePlace,
} from "./pipe.ts";
import type { ThreadStart } from "./process_worker.ts";
import { type ProcessSandbox, sandboxEntry } from "./sandbox.ts";
import { Flag, type FromWorker, type ToWorker } from "./protocol.ts";
import { ShortTask, TaskReader } from "./short_messages.ts";

const place = (Deno.args[0] ?? "stdio") as PipePlace;
const told = Deno.args[1] === undefined
  ? undefined
  : JSON.parse(Deno.args[1]) as ProcessSandbox;
const thread = new URL("./process_worker.ts", import.meta.url);
const lock = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
const source = new MessageSource(openInput(place));
const sink = new MessageSink(openOutput(place), lock);
const worker = new Worker(
  told === undefined ? thread : sandboxEntry(thread, told.imports),
  { type: "module", name: "hither" },
);
await new Promise<void>((resolve) => {
  worker.onmessage = () => resolve();
  const start: ThreadStart = { place, lock, told };
  worker.postMessage(start);
});
dropPermissions(place, told);

let flags = new Int32Array(new SharedArrayBuffer(0));
/** Whose flag each cell is. */
const tasks: (number | undefined)[] = [];
/** The chunks that went to the worker in a message: those after them must not overtake them. */
const posted = new Set<number>();
const memory = inboxMemory();
const inbox = new Inbox(memory);
const reader = new TaskReader();
const garbage = new SharedGarbage();
for (let it = source.next(); it !== undefined; it = source.next()) {
  if (it instanceof ShortTask) passOn(it);
  else take(it as ToWorker);
}
Deno.exit(0);

/** Gives the worker a Task, or a chunk, that this thread has not read. */
function passOn(message: ShortTask): void {
  const { bytes, task, flag, isChunk } = message;
  sent(task, flag, isChunk ? Flag.ITEMS : Flag.SENT);
  const isBehind = isChunk && posted.has(message.after);
  if (!isBehind && inbox.write(bytes)) return;
  if (isChunk) posted.add(task);
  post(reader.read(bytes, 0, bytes.length));
}

/** Sets the flags that the worker shares with this thread, which stands for the other side; and gives it the message, unless that was all. */
function take(message: ToWorker): void {
  switch (message.type) {
    case "begin":
      flags = new Int32Array(
        new SharedArrayBuffer(
          Int32Array.BYTES_PER_ELEMENT * (message.cells ?? 0),
        ),
      );
      return post({ ...message, flags: flags.buffer, inbox: memory });
    case "run":
      sent(message.task, message.flag);
      break;
    case "batch":
      for (const [i, task] of message.tasks.entries()) {
        sent(task, message.flags[i]!);
      }
      if (message.last) sent(message.last.task, message.last.flag);
      break;
    case "chunk":
      // Its code is no module.
      sent(message.chunk, message.flag, Flag.ITEMS);
      posted.add(message.chunk);
      break;
    case "cancel":
      tellToStop(
        message.task,
        message.flag,
        message.timedOut ? Flag.TIMED_OUT : Flag.CANCELLED,
      );
      break;
    case "watch":
      return message.tasks.forEach(watch);
    case "forget":
      post(message);
      return garbage.add(message.bytes ?? 0);
    case "recall":
      return answer({
        type: "recalled",
        tasks: message.tasks.filter((task) => takeBack(task, Flag.RECALLED)),
        // The last one first: the end of one is the beginning of the next.
        chunks: message.chunks.toSorted((a, b) => b - a).flatMap((chunk) => {
          const begun = takeBackItems(chunk);
          return begun === undefined ? [] : [{ chunk, begun }];
        }),
      });
  }
  post(message, largeBuffersOf(message));
  const large = message.type === "batch" ? message.last : message;
  if (large?.type === "run" && large.isLarge) {
    answer({ type: "arrived", task: large.task });
  }
}

/** Sends the worker a message, which it hears of also if it waits for a Task. */
function post(message: object, transfer: ArrayBuffer[] = []): void {
  worker.postMessage(message, transfer);
  inbox.call();
}

/** A Task, or a chunk, is on its way, and has not begun. */
function sent(
  task: number,
  cell: number,
  flag: typeof Flag.SENT | typeof Flag.ITEMS = Flag.SENT,
): void {
  Atomics.store(flags, cell, flag);
  const before = tasks[cell];
  if (before !== undefined) posted.delete(before);
  tasks[cell] = task;
}

/** Tells a Task that runs through its flag, and takes one back that has not begun; says which it was. One that was an item has the flag of its chunk, whose other items were taken back. */
function tellToStop(task: number, cell: number, because: number): void {
  if (takeBack(task, because)) return answer({ type: "withdrawn", task });
  Atomics.store(flags, cell, because);
  if (tasks[cell] === task) answer({ type: "begun", task });
}

/** Lets the worker say when it begins with a Task, if it has not. */
function watch(task: number): void {
  const cell = tasks.indexOf(task);
  if (cell >= 0 && changes(cell, Flag.SENT, Flag.WATCHED)) {
    answer({ type: "unbegun", task });
  }
}

/** Takes the items of a chunk back that have not begun; how many have, `undefined` if that was done before. */
function takeBackItems(chunk: number): number | undefined {
  const cell = tasks.indexOf(chunk);
  if (cell < 0) return undefined;
  const before = Atomics.exchange(flags, cell, Flag.RECALLED);
  if (before >= Flag.ITEMS) return before - Flag.ITEMS;
  Atomics.store(flags, cell, before);
  return undefined;
}

/** Takes a Task back if it has not begun. */
function takeBack(task: number, because: number): boolean {
  const cell = tasks.indexOf(task);
  return cell >= 0 &&
    (changes(cell, Flag.SENT, because) || changes(cell, Flag.WATCHED, because));
}

/** Sets a flag, if it is `from`; whether it was. */
function changes(cell: number, from: number, to: number): boolean {
  return Atomics.compareExchange(flags, cell, from, to) === from;
}

function answer(message: FromWorker): void {
  sink.write(message);
}
