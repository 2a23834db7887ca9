/**
 * The flags that a worker and its owner share, one for each Task that was sent.
 *
 * @module
 */

import { Flag } from "../../worker/protocol.ts";

type FlagValue = typeof Flag[keyof typeof Flag];

/** How many Tasks of one worker may wait for others at a time, at the most. */
const MOST_PAUSED = 262_144;

/** Flags in shared memory, by the number that a Task has in its worker. */
export class TaskFlags {
  /** The memory to share. */
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;
  readonly #free: number[];
  readonly #cellOf = new Map<number, number>();
  /** Tasks that were items of a chunk, and have the cell of that. */
  readonly #lent = new Set<number>();
  /** How many have such a cell. */
  readonly #holders = new Map<number, number>();

  readonly #isShared: boolean;
  readonly #length: number;
  /** Cells that have been in use: memory that was never touched costs nothing. */
  #used: number;
  #paused = 0;

  /** Makes flags for so many Tasks at a time; where they are not shared, no Task can be taken back. */
  constructor(length: number, isShared = true) {
    this.#isShared = isShared;
    const cells = length + MOST_PAUSED;
    this.buffer = new SharedArrayBuffer(cells * Int32Array.BYTES_PER_ELEMENT);
    this.#cells = new Int32Array(this.buffer);
    this.#free = Array.from({ length }, (_, index) => index);
    this.#length = length;
    this.#used = length;
  }

  /** How many more Tasks can have a flag. */
  get room(): number {
    return Math.max(
      0,
      Math.min(
        this.#length + this.#paused + this.#lent.size - this.#cellOf.size,
        this.#free.length + this.#cells.length - this.#used,
      ),
    );
  }

  /** A Task waits for others, which need flags of their own. */
  pause(): void {
    this.#paused++;
  }

  /** A Task that has waited goes on, or has ended. */
  resume(): void {
    this.#paused--;
  }

  /**
   * Gives a Task its flag and returns the index of its cell.
   *
   * @throws {RangeError} if there is no room.
   */
  send(task: number): number {
    // Atomics would take `undefined` as the first cell, which is another Task's.
    if (this.room === 0) {
      throw new RangeError(
        `Cannot send a Task to a worker as all ${this.#cellOf.size} of its flags are taken`,
      );
    }
    const cell = this.#free.pop() ?? this.#used++;
    this.#cellOf.set(task, cell);
    Atomics.store(this.#cells, cell, Flag.SENT);
    return cell;
  }

  /** Takes a Task back if the worker has not begun it; its flag stays until the worker says that it was skipped. */
  takeBack(task: number, because: FlagValue): boolean {
    const cell = this.#cellOf.get(task);
    return cell !== undefined && this.#isShared &&
      Atomics.compareExchange(this.#cells, cell, Flag.SENT, because) ===
        Flag.SENT;
  }

  /** How many items of a chunk the worker has begun with, unless they were taken back: all that are left have begun then. */
  begunOf(chunk: number): number {
    const flag = Atomics.load(this.#cells, this.#cellOf.get(chunk)!);
    return flag >= Flag.ITEMS ? flag - Flag.ITEMS : Infinity;
  }

  /** Whether nobody has begun with a Task, or with a chunk, as far as the flag tells. */
  isUntouched(task: number): boolean {
    const flag = Atomics.load(this.#cells, this.#cellOf.get(task)!);
    return flag === Flag.SENT || flag === Flag.ITEMS;
  }

  /**
   * Gives a chunk the flag that all its items share and returns the index of its cell.
   *
   * @throws {RangeError} if there is no room.
   */
  sendChunk(chunk: number): number {
    const cell = this.send(chunk);
    Atomics.store(this.#cells, cell, Flag.ITEMS);
    return cell;
  }

  /** Takes the items of a chunk back that the worker has not begun; how many it has, `undefined` if that was done before. */
  takeBackItems(chunk: number): number | undefined {
    const cell = this.#cellOf.get(chunk)!;
    const before = Atomics.exchange(this.#cells, cell, Flag.RECALLED);
    if (before >= Flag.ITEMS) return before - Flag.ITEMS;
    Atomics.store(this.#cells, cell, before);
    return undefined;
  }

  /** An item of a chunk has become a Task: it is told to stop through the flag that it has, whose cell is returned. */
  lend(task: number, chunk: number): number {
    const cell = this.#cellOf.get(chunk)!;
    this.#cellOf.set(task, cell);
    this.#lent.add(task);
    this.#holders.set(cell, (this.#holders.get(cell) ?? 1) + 1);
    return cell;
  }

  /** Tells the function itself, which may be computing. */
  tell(task: number, what: FlagValue): void {
    const cell = this.#cellOf.get(task);
    if (cell !== undefined) Atomics.store(this.#cells, cell, what);
  }

  /** The worker is done with a Task: its flag can be another's. */
  release(task: number): void {
    const cell = this.#cellOf.get(task);
    if (cell === undefined) return;
    this.#cellOf.delete(task);
    this.#lent.delete(task);
    const left = (this.#holders.get(cell) ?? 1) - 1;
    if (left > 0) this.#holders.set(cell, left);
    else {
      this.#holders.delete(cell);
      this.#free.push(cell);
    }
  }
}
