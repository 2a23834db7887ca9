/**
 * What a cache holds and has saved, known without looking at all of it: each
 * program keeps its sum in a file of its own, `totals/<uuid>`, which nobody else
 * writes; the total is the sum of the files. They are folded into one by whoever
 * finds many: who renames a file away has taken it, and adds it to its own.
 *
 * Its file says as well how much a program is about to store. It says so first, then
 * adds up what all say, and only then stores: of two that do so at once, the later one
 * sees what the other is about to store. So the cache never takes more than the files
 * say together. A program that is killed may have stored less than its file says; `gc`
 * counts anew.
 *
 * @module
 */

import { join } from "../value/paths.ts";
import {
  infoOf,
  names,
  type PortableFolder,
  remove,
} from "./portable_folder.ts";
import { isWhole, seal, SEAL_BYTES } from "./sealed.ts";

/** A file that was not written to for so long belongs to a program that ended, or can bear to lose it; in ms. */
const IDLE_MS = 3_600_000;

/** What a program is about to store, and has not spoken of for so long, it does not store without a word; in ms. */
const SILENCE_MS = 30_000;

/** More files than this are folded. */
const MANY = 32;

const NOTHING: Sums = { bytes: 0, saved: 0, taken: 0, freed: 0 };

const UUID = /^[0-9a-f-]{36}$/;

/** Sums. */
export interface Sums {
  /** Bytes on disk. */
  readonly bytes: number;
  /** Time that hits have saved, in ms. */
  readonly saved: number;
  /** Bytes that are about to be stored, or may be. */
  readonly taken: number;
  /** Bytes that were deleted, of those that are no part of `bytes` any more. */
  readonly freed: number;
}

/** The sums of one cache, and what this program adds to them. */
export class PortableTotals {
  readonly #files: PortableFolder;
  readonly #path: string;
  readonly #own: string;
  #bytes = 0;
  #saved = 0;
  #freed = 0;
  #taken = 0;
  /** What its file says is taken. */
  #announced = 0;
  #announcedAt = -Infinity;

  constructor(files: PortableFolder) {
    this.#files = files;
    this.#path = join(files.folder.path, "totals");
    this.#own = join(this.#path, crypto.randomUUID());
  }

  /** Whether all is written that was added, and nothing is announced that is not taken. */
  get isWritten(): boolean {
    return this.#bytes === 0 && this.#freed === 0 &&
      this.#announced === this.#taken;
  }

  /** Bytes that were added and are not written yet. */
  get unwritten(): number {
    return this.#bytes;
  }

  /** Bytes that this program is about to store. */
  get taken(): number {
    return this.#taken;
  }

  /** Adds to the sums, in memory. */
  add(bytes: number, saved: number): void {
    this.#bytes += bytes;
    this.#saved += saved;
    if (bytes < 0) this.#freed -= bytes;
  }

  /** Whether so much may be taken without a word, as it is announced. */
  has(bytes: number): boolean {
    return this.#bytes + this.#taken + bytes <= this.#announced &&
      performance.now() - this.#announcedAt < SILENCE_MS;
  }

  /** Takes bytes, in memory, that are about to be stored. */
  take(bytes: number): void {
    this.#taken += bytes;
  }

  /** Gives them back: they are stored, and were added, or will not be. */
  give(bytes: number): void {
    this.#taken -= bytes;
  }

  /** The sums of all programs; of this one, with what is not written. */
  read(): Sums {
    const { bytes, saved, freed } = this.#sums(this.#own);
    const all = {
      bytes: bytes + this.#bytes,
      saved: saved + this.#saved,
      taken: this.#taken,
      freed: freed + this.#freed,
    };
    for (const name of names(this.#path, UUID)) {
      const path = join(this.#path, name);
      if (path !== this.#own) addSums(all, this.#sums(path));
    }
    return all;
  }

  /** What the cache takes, and may take with what all are about to store. */
  size(): number {
    const { bytes, taken } = this.read();
    return Math.max(bytes + taken, 0);
  }

  /** Writes them if that can be done; whether it was. */
  tryWrite(spare = 0): boolean {
    try {
      this.write(spare);
      return true;
    } catch {
      // The disk is full or gone, of which the next store tells.
      return false;
    }
  }

  /**
   * Writes what was added and what is taken; folds the files of programs that ended
   * where there are many.
   *
   * @param spare Bytes that may be taken later without a word.
   */
  write(spare = 0): void {
    if (this.isWritten && this.#saved === 0 && spare === 0) return;
    this.#writeOwn(spare);
    if (names(this.#path, UUID).length > MANY) this.#fold(IDLE_MS, spare);
  }

  /** The sums from which a count of the whole cache begins. */
  beforeCount(): Sums {
    // What the dead were about to store is there or not: the count will tell.
    this.#fold(2 * SILENCE_MS, 0);
    this.#writeOwn(0);
    return this.read();
  }

  /**
   * Puts what was counted in the place of what the sums said before that. What was
   * stored meanwhile may count twice then, so that nothing counts too little.
   */
  correct(counted: number, before: Sums): void {
    const { freed } = this.read();
    this.#bytes += counted - before.bytes + freed - before.freed;
    this.#writeOwn(0);
  }

  /** Forgets what all programs have added: the cache is empty. */
  reset(): void {
    this.#bytes = this.#freed = 0;
    for (const name of names(this.#path, UUID)) {
      this.add(0, this.#takeAway(join(this.#path, name)).saved);
    }
    this.#writeOwn(0);
  }

  /** Adds what programs have left to the own sums that have not written for so long. */
  #fold(idle: number, spare: number): void {
    for (const name of names(this.#path, UUID)) {
      const path = join(this.#path, name);
      const written = infoOf(path)?.mtime?.getTime() ?? Infinity;
      if (path === this.#own || Date.now() - written <= idle) continue;
      // Added before it goes, so that nobody sees less than there is.
      const seen = this.#sums(path);
      this.#addAll(seen, 1);
      this.#writeOwn(spare);
      this.#addAll(seen, -1);
      this.#addAll(this.#takeAway(path), 1);
      this.#writeOwn(spare);
    }
  }

  /** Adds the sums of a program that ended. What it was about to store may be there. */
  #addAll({ bytes, saved, taken, freed }: Sums, sign: 1 | -1): void {
    this.#bytes += sign * (bytes + taken);
    this.#saved += sign * saved;
    this.#freed += sign * freed;
  }

  #writeOwn(spare: number): void {
    // Somebody may have taken the file: then it begins anew.
    const { bytes, saved, freed } = this.#sums(this.#own);
    const taken = this.#taken + spare;
    const sums = [
      bytes + this.#bytes,
      saved + this.#saved,
      taken,
      freed + this.#freed,
    ];
    const text = new TextEncoder().encode(JSON.stringify(sums));
    const file = new Uint8Array(SEAL_BYTES + text.length);
    file.set(text, SEAL_BYTES);
    seal(file, "T");
    this.#files.write(this.#own, file);
    this.#bytes = this.#saved = this.#freed = 0;
    this.#announced = taken;
    this.#announcedAt = performance.now();
  }

  /** Takes a file away; what it held, for the one program whose renaming succeeds. */
  #takeAway(path: string): Sums {
    const taken = join(this.#files.folder.tmp, crypto.randomUUID());
    try {
      Deno.renameSync(path, taken);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return NOTHING;
      throw error;
    }
    const sums = this.#sums(taken);
    remove(taken);
    return sums;
  }

  #sums(path: string): Sums {
    const file = this.#files.read(path);
    // Not there or damaged: it counts as nothing until the next `gc`.
    if (file === undefined || !isWhole(file, "T")) return NOTHING;
    const text = new TextDecoder().decode(file.subarray(SEAL_BYTES));
    // Former versions wrote the first two.
    const [bytes, saved, taken = 0, freed = 0] = JSON.parse(text) as [
      number,
      number,
      ...number[],
    ];
    return { bytes, saved, taken, freed };
  }
}

function addSums(all: { -readonly [name in keyof Sums]: number }, sums: Sums) {
  all.bytes += sums.bytes;
  all.saved += sums.saved;
  all.taken += sums.taken;
  all.freed += sums.freed;
}
