/**
 * The way of what is a few bytes long to a worker that shares memory, and back:
 * no message is sent for it, and nothing is copied more than once.
 *
 * @module
 */

import type { CodeReference, Task, TaskArguments } from "../../task.ts";
import { SmallValue } from "../../value/small.ts";
import {
  Bell,
  bellMemory,
  PROGRAM_BELL,
  WORKER_BELL,
} from "../../worker/bell.ts";
import {
  chunkMemory,
  type ChunkRequest,
  ChunkRequests,
} from "../../worker/chunk_requests.ts";
import type { FunctionMessage, QuickMemory } from "../../worker/protocol.ts";
import {
  type Request,
  requestMemory,
  Requests,
  type Turn,
} from "../../worker/requests.ts";
import {
  type QuickResult,
  resultMemory,
  Results,
} from "../../worker/results.ts";

/** Tasks of a few bytes to one worker, and their results. */
export class QuickWay {
  /** What the worker gets. */
  readonly memory: QuickMemory = {
    requests: requestMemory(),
    chunks: chunkMemory(),
    results: resultMemory(),
    bells: bellMemory(),
  };
  readonly #requests = new Requests(this.memory.requests);
  readonly #chunks = new ChunkRequests(this.memory.chunks);
  readonly #results = new Results(this.memory.results);
  readonly #toWorker = new Bell(this.memory.bells, WORKER_BELL);
  readonly #toProgram = new Bell(this.memory.bells, PROGRAM_BELL);
  readonly #numbers = new WeakMap<CodeReference, number>();
  readonly #post: (message: FunctionMessage) => void;
  #lastNumber = 0;

  /** Makes the memory; `post` sends a message to the worker. */
  constructor(post: (message: FunctionMessage) => void) {
    this.#post = post;
  }

  /** Calls `heard` when there are results. */
  listen(heard: () => void): void {
    this.#toProgram.listen(heard);
  }

  /** Sends Tasks of one function, unless there is no room for them now; whether it did. Their turn is now if nothing is said of that. */
  send(
    task: Task,
    requests: readonly Request[],
    lists: readonly SmallValue[],
    turn?: Turn,
  ): boolean {
    const fn = this.#numberOf(task);
    if (fn === undefined) return false;
    if (!this.#requests.write(fn, requests, lists, turn)) return false;
    this.#toWorker.ring();
    return true;
  }

  /** Sends a chunk, unless there is no room for it now; whether it did. */
  sendChunk(
    task: Pick<Task, "code" | "name" | "version">,
    chunk: Omit<ChunkRequest, "fn">,
  ): boolean {
    const fn = this.#numberOf(task);
    if (fn === undefined || !this.#chunks.write({ fn, ...chunk })) return false;
    this.#toWorker.ring();
    return true;
  }

  /** The number of a function that the worker has imported, of which it is told the first time. */
  #numberOf(
    { code, name, version }: Pick<Task, "code" | "name" | "version">,
  ): number | undefined {
    if (code.kind !== "module") return undefined;
    let fn = this.#numbers.get(code);
    if (fn === undefined) {
      this.#numbers.set(code, fn = ++this.#lastNumber);
      this.#post({ type: "function", fn, name, version, code });
    }
    return fn;
  }

  /** Whether there is a result. */
  get hasResults(): boolean {
    return this.#results.hasAny;
  }

  /** Takes the next result, if there is one. */
  read(): QuickResult | undefined {
    return this.#results.read();
  }

  /** Listens no more. */
  close(): void {
    this.#toProgram.close();
  }
}

/** The arguments of a Task that can go this way: the worker has its code, and finds out its key by itself. */
export function quickList(
  { code, hasPlainKey, timed }: Task,
  { list, upstream }: TaskArguments,
): SmallValue | undefined {
  const isQuick = list instanceof SmallValue && upstream.length === 0 &&
    hasPlainKey === true && !timed && code.kind === "module";
  return isQuick ? list : undefined;
}
