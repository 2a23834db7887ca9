/**
 * A queue by priority, first in, first out among equals, from which a waiting
 * item can be taken out.
 *
 * @module
 */

/** The place of an item in a {@linkcode Queue}. */
export interface QueuePlace<T> {
  readonly item: T;
  readonly row: QueueRow<T>;
  previous: QueuePlace<T> | undefined;
  next: QueuePlace<T> | undefined;
  waiting: boolean;
}

/** The items of one priority, as a linked list. */
interface QueueRow<T> {
  readonly priority: number;
  first: QueuePlace<T> | undefined;
  last: QueuePlace<T> | undefined;
}

/**
 * A heap of linked lists, one for each priority: an operation takes the same time
 * at any length, and grows only with the logarithm of the number of priorities.
 */
export class Queue<T> {
  readonly #rows = new Map<number, QueueRow<T>>();
  /** The rows, the highest priority first. A row that is empty goes when it has come to the top. */
  readonly #heap: QueueRow<T>[] = [];
  #size = 0;

  /** How many items wait. */
  get size(): number {
    return this.#size;
  }

  /** The item that is next. */
  get first(): T | undefined {
    return this.#top()?.first?.item;
  }

  /** All that wait, in no particular order. */
  items(): T[] {
    const items: T[] = [];
    for (const { first } of this.#rows.values()) {
      for (let place = first; place !== undefined; place = place.next) {
        items.push(place.item);
      }
    }
    return items;
  }

  /** Adds an item behind all of its priority and above. */
  push(item: T, priority = 0): QueuePlace<T> {
    const row = this.#row(priority);
    const place = {
      item,
      row,
      previous: row.last,
      next: undefined,
      waiting: true,
    };
    if (row.last === undefined) row.first = place;
    else row.last.next = place;
    row.last = place;
    this.#size++;
    return place;
  }

  /** Adds an item in front of all of its priority and below. */
  unshift(item: T, priority = 0): QueuePlace<T> {
    const row = this.#row(priority);
    const place = {
      item,
      row,
      previous: undefined,
      next: row.first,
      waiting: true,
    };
    if (row.first === undefined) row.last = place;
    else row.first.previous = place;
    row.first = place;
    this.#size++;
    return place;
  }

  /** Adds an item in front of one that waits, with its priority. */
  insertBefore(place: QueuePlace<T>, item: T): QueuePlace<T> {
    const { row, previous } = place;
    const added = { item, row, previous, next: place, waiting: true };
    if (previous === undefined) row.first = added;
    else previous.next = added;
    place.previous = added;
    this.#size++;
    return added;
  }

  /** Takes the item that is next. */
  shift(): T | undefined {
    const place = this.#top()?.first;
    if (place === undefined) return undefined;
    this.remove(place);
    return place.item;
  }

  /** Takes out the item at `place`, if it still waits. */
  remove(place: QueuePlace<T> | undefined): boolean {
    if (!place?.waiting) return false;
    const { row, previous, next } = place;
    if (previous === undefined) row.first = next;
    else previous.next = next;
    if (next === undefined) row.last = previous;
    else next.previous = previous;
    place.waiting = false;
    this.#size--;
    return true;
  }

  #row(priority: number): QueueRow<T> {
    let row = this.#rows.get(priority);
    if (row === undefined) {
      row = { priority, first: undefined, last: undefined };
      this.#rows.set(priority, row);
      this.#rise(row);
    }
    return row;
  }

  /** The row of the highest priority that is not empty. */
  #top(): QueueRow<T> | undefined {
    let top = this.#heap[0];
    while (top !== undefined && top.first === undefined) {
      this.#rows.delete(top.priority);
      this.#sink(this.#heap.pop()!);
      top = this.#heap[0];
    }
    return top;
  }

  /** Puts a new row into the heap: from the bottom up to its level. */
  #rise(row: QueueRow<T>): void {
    const heap = this.#heap;
    let index = heap.push(row) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent]!.priority >= row.priority) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = row;
  }

  /** Puts the row that was last in the place of the first: from the top down to its level. */
  #sink(row: QueueRow<T>): void {
    const heap = this.#heap;
    if (heap.length === 0) return;
    let index = 0;
    while (true) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && right.priority > heap[child]!.priority) {
        child++;
      }
      if (heap[child]!.priority <= row.priority) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = row;
  }
}
