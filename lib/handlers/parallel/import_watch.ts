/**
 * The imports of one worker, seen from outside: a module that computes for ever
 * when it is imported never says so.
 *
 * @module
 */

import type { CodeReference } from "../../task.ts";
import { Patience } from "./patience.ts";
import type { PoolRun } from "./pool_run.ts";

/** How much longer than it may an import is waited for from outside: a worker that can say so itself comes first. In ms. */
const IMPORT_GRACE = 100;

/** How long a worker may take to begin, in ms. */
export const BEGINNING = 30_000;

/** Waits with the Tasks whose code is new in a worker. */
export class ImportWatch {
  /** The modules that this worker has imported, with all functions in them. */
  readonly #modules = new Set<string>();
  /** The code that it has and that is no module. */
  readonly #others = new WeakSet<CodeReference>();
  /** Tasks whose code it may be importing. */
  readonly #importing = new Set<PoolRun>();
  readonly #limit = new Patience();
  readonly #tooLong: (runs: readonly PoolRun[]) => void;
  #isReady = false;

  /** Calls `tooLong` with the Tasks whose import takes longer than it may. */
  constructor(tooLong: (runs: readonly PoolRun[]) => void) {
    this.#tooLong = tooLong;
  }

  /** Whether the worker has imported that code. */
  has(code: CodeReference): boolean {
    return code.kind === "module"
      ? this.#modules.has(code.url)
      : this.#others.has(code);
  }

  /** Whether a Task waits for its code. */
  get isBusy(): boolean {
    return this.#importing.size > 0;
  }

  /** The worker has begun; its imports have a time of their own. */
  ready(): void {
    this.#isReady = true;
    this.#time();
  }

  /** The worker was given a Task, the first of a batch. */
  begin(run: PoolRun): void {
    if (this.has(run.task.code)) return;
    if (run.task.importTimeout === undefined) return;
    this.#importing.add(run);
    if (this.#importing.size === 1) this.#time();
  }

  /** The code of a Task has been imported, or could not be. */
  note(run: PoolRun): void {
    const { code } = run.task;
    if (code.kind === "module") this.#modules.add(code.url);
    else this.#others.add(code);
    this.leave(run);
  }

  /** A Task is not in the worker any more. */
  leave(run: PoolRun): void {
    if (this.#importing.delete(run)) this.#time();
  }

  /** Waits no more. */
  end(): void {
    this.#limit.end();
  }

  /** Begins anew with the time for an import. */
  #time(): void {
    const [first] = this.#importing;
    if (first === undefined) return this.#limit.end();
    const { importTimeout = Infinity } = first.task;
    const limit = this.#isReady ? importTimeout + IMPORT_GRACE : BEGINNING;
    if (limit >= 2 ** 31) return this.#limit.end();
    this.#limit.begin(limit, () => this.#tooLong([...this.#importing]));
  }
}
