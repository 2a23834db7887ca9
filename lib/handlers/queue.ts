/**
 * A first-in, first-out queue from which a waiting item can be taken out.
 *
 * @module
 */

/** The place of an item in a {@linkcode Queue}. */
export interface QueuePlace<T> {
  readonly item: T;
  previous: QueuePlace<T> | undefined;
  next: QueuePlace<T> | undefined;
  waiting: boolean;
}

/** A linked list: each operation takes the same time at any length. */
export class Queue<T> {
  #first: QueuePlace<T> | undefined;
  #last: QueuePlace<T> | undefined;
  #size = 0;

  /** How many items wait. */
  get size(): number {
    return this.#size;
  }

  /** The item that waits longest. */
  get first(): T | undefined {
    return this.#first?.item;
  }

  /** Adds an item at the end. */
  push(item: T): QueuePlace<T> {
    const place = {
      item,
      previous: this.#last,
      next: undefined,
      waiting: true,
    };
    if (this.#last === undefined) this.#first = place;
    else this.#last.next = place;
    this.#last = place;
    this.#size++;
    return place;
  }

  /** Adds an item at the front. */
  unshift(item: T): QueuePlace<T> {
    const place = {
      item,
      previous: undefined,
      next: this.#first,
      waiting: true,
    };
    if (this.#first === undefined) this.#last = place;
    else this.#first.previous = place;
    this.#first = place;
    this.#size++;
    return place;
  }

  /** Takes the first item. */
  shift(): T | undefined {
    const place = this.#first;
    if (place === undefined) return undefined;
    this.remove(place);
    return place.item;
  }

  /** Takes out the item at `place`, if it still waits. */
  remove(place: QueuePlace<T> | undefined): boolean {
    if (!place?.waiting) return false;
    const { previous, next } = place;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    place.waiting = false;
    this.#size--;
    return true;
  }
}
