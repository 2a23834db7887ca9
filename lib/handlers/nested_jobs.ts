/**
 * Jobs that the jobs of one worker submit, as messages of that worker.
 *
 * @module
 */

import { JobCancelledError } from "../errors.ts";
import type { NestedJob, NestedListener, Task } from "../task.ts";
import type { Leaf } from "../value/encoded.ts";
import { encodeThrown } from "../value/thrown.ts";
import { decodeThrown } from "../value/thrown.ts";
import type {
  NestedCancelMessage,
  NestedMessage,
  NestedNews,
  NestedReleaseMessage,
  NestedWatchMessage,
  ToWorker,
} from "../worker/protocol.ts";
import { NestedMemory } from "../worker/task_memory.ts";
import { codeFromWire, fromWire, toWire } from "../worker/wire.ts";

/** The jobs that the jobs of one worker have submitted. */
export class NestedJobs {
  readonly #post: (message: ToWorker, transfer: ArrayBuffer[]) => void;
  /** Until the worker says that they are no argument of another any more. */
  readonly #jobs = new Map<number, NestedJob>();
  /** Those of each Task that have not settled. */
  readonly #open = new Map<number, Set<NestedJob>>();
  /** The shared memory of Tasks that have submitted jobs with some. */
  readonly #memory = new Map<number, NestedMemory>();
  /** What the worker is to be told. */
  #news: NestedNews[] = [];
  #transfer: ArrayBuffer[] = [];
  #telling = false;

  /** Answers through `post`. */
  constructor(post: (message: ToWorker, transfer: ArrayBuffer[]) => void) {
    this.#post = post;
  }

  /**
   * Takes in a job of a Task; `undefined` if that was told to stop. The leaves are those of the Task that are in shared memory.
   *
   * @param waits Whether the Task is known to wait for its jobs. If not, that is to come, when it has submitted what it submits in one go.
   */
  submit(
    message: NestedMessage,
    task: Task | undefined,
    leaves: readonly Leaf[],
    waits: boolean,
  ): void {
    const { id, name, version } = message;
    if (task === undefined) {
      const error = new JobCancelledError(
        `The job ${name} ${version} was cancelled as the job that submits it was stopped`,
      );
      const value = toWire(encodeThrown(error), []);
      return this.#tell({
        type: "nestedDone",
        id,
        status: "cancelled",
        value,
        console: [],
        cached: false,
        attempts: 0,
      });
    }
    let isNew = true;
    const listener: NestedListener = {
      moved: (status, key) => {
        this.#news.push({ type: "nestedMoved", id, status, key });
        if (waits || !isNew) this.#tellSoon();
      },
      reported: (event, past) =>
        this.#tell({ type: "nestedEvent", id, event, past }),
      settled: ({ status, console, timing, key, ...result }) => {
        this.#open.get(message.task)?.delete(job);
        const value = toWire(result.value, this.#transfer);
        this.#tell({
          type: "nestedDone",
          id,
          status,
          value,
          console,
          timing,
          key,
          cached: result.cached,
          attempts: result.attempts,
        });
      },
    };
    const job = task.submitNested({
      ...message,
      code: codeFromWire(message.code),
      list: fromWire(message.list, "args", this.#memoryOf(message, leaves)),
      upstream: message.upstream.map((id) => this.#jobs.get(id)!),
    }, listener);
    isNew = false;
    this.#jobs.set(id, job);
    let open = this.#open.get(message.task);
    if (open === undefined) this.#open.set(message.task, open = new Set());
    open.add(job);
  }

  /** The shared memory of a Task, if one of its jobs refers to some. */
  #memoryOf(
    { task, list }: NestedMessage,
    leaves: readonly Leaf[],
  ): NestedMemory | undefined {
    let memory = this.#memory.get(task);
    if (memory === undefined && list.leaves.some((leaf) => "memory" in leaf)) {
      memory = new NestedMemory(leaves);
      this.#memory.set(task, memory);
    }
    return memory;
  }

  #tell(news: NestedNews): void {
    this.#news.push(news);
    this.#tellSoon();
  }

  /** Tells in one message what comes about in one go: one takes as long to send and to read as a job to submit. */
  #tellSoon(): void {
    if (this.#telling) return;
    this.#telling = true;
    queueMicrotask(() => {
      this.#telling = false;
      this.#tellNow();
    });
  }

  #tellNow(): void {
    const news = this.#news;
    if (news.length === 0) return;
    const transfer = this.#transfer;
    this.#news = [];
    this.#transfer = [];
    this.#post({ type: "nestedNews", news }, transfer);
  }

  /** A Task waits for jobs, or goes on, and awaits these from now on. */
  awaited(ids: readonly number[], by: Task | undefined): void {
    this.#tellNow();
    if (by === undefined) return;
    for (const id of ids) this.#jobs.get(id)?.awaited(by);
  }

  /** Takes what a worker tells of a job. */
  take(
    message: NestedCancelMessage | NestedWatchMessage | NestedReleaseMessage,
  ): void {
    switch (message.type) {
      case "nestedCancel":
        this.#jobs.get(message.id)?.cancel(
          decodeThrown(fromWire(message.reason)),
        );
        return;
      case "nestedWatch":
        return this.#jobs.get(message.id)?.watch();
      case "nestedRelease":
        for (const id of message.ids) this.#jobs.delete(id);
    }
  }

  /** A Task has ended. */
  ended(task: number): void {
    for (const job of this.#open.get(task) ?? []) job.orphan();
    this.#open.delete(task);
    this.#memory.delete(task);
  }

  /** The worker is gone: nobody asks for its jobs. */
  close(): void {
    for (const task of [...this.#open.keys()]) this.ended(task);
    this.#memory.clear();
    this.#jobs.clear();
  }
}
