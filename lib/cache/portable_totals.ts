/**
 * What a cache holds and has saved, known without looking at all of it: each
 * program keeps its sum in a file of its own, `totals/<uuid>`, which nobody else
 * writes; the total is the sum of the files. They are folded into one by whoever
 * finds many: who renames a file away has taken it, and adds it to its own.
 *
 * Its file says as well how much a program is about to store. It says so first, then
 * adds up what all say, and only then stores: of two that do so at once, the later one
 * sees what the other is about to store. So the cache never takes more than the files
 * say together. A program that is killed may have stored less than its file says; who
 * finds nothing left to delete, and `gc`, count anew.
 *
 * What a count corrects is a file of its own as well, `totals/count-<n>/sum`: it holds
 * all corrections so far, and the highest n holds. Who has counted can only make the one
 * after that from which the count began; of two who count at once, one does. A program
 * says in its file that it deletes before it does so: what is gone but still in the sums
 * would be subtracted twice. So a count leaves them at what is there, or higher.
 *
 * @module
 */

import { isAbsence } from "../value/file_check.ts";
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

/** What a program does meanwhile that no count may come between. */
const DELETES = 1, FOLDS = 2;

/** More files than this are folded; looked for each time it was written so often. */
const MANY = 32, FOLD_EVERY = 16;

const NOTHING: File = { bytes: 0, saved: 0, taken: 0, freed: 0, doing: 0 };

const UUID = /^[0-9a-f-]{36}$/;
const COUNT = /^count-[0-9]+$/;
const UUID_OR_COUNT = /^[0-9a-f-]{36}$|^count-[0-9]+$/;

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

/** What the file of a program says. */
interface File extends Sums {
  /** What it is doing, `DELETES` or `FOLDS`, or nothing. */
  readonly doing: number;
}

/** What all files say. */
export interface State {
  readonly sums: Sums;
  /** Who has one. */
  readonly names: ReadonlySet<string>;
  /** The number of the last correction. */
  readonly epoch: number;
  /** What corrections have added, which is a part of the sums. */
  readonly corrected: number;
  /** Whether other programs are deleting, so that what is gone is in the sums still. */
  readonly isDeleting: boolean;
  /** Whether sums move from one file to another. */
  readonly isMoving: boolean;
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
  /** Whether its file says that it deletes. */
  #saysDeleting = false;
  /** How many delete here who note that later. */
  #deleting = 0;
  #isFolding = false;
  #writes = 0;
  /** Whether its file is written time and again. */
  #isBusy = false;
  /** What was its file before the last time it was written. */
  #former: string | undefined;

  constructor(files: PortableFolder) {
    this.#files = files;
    this.#path = join(files.folder.path, "totals");
    this.#own = join(this.#path, crypto.randomUUID());
  }

  /** Whether all is written that was added, and nothing is announced that is not taken. */
  get isWritten(): boolean {
    return this.#bytes === 0 && this.#freed === 0 &&
      this.#saysDeleting === this.#deleting > 0 &&
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
    // Others wait for the word that nothing is being deleted any more.
    if (this.#saysDeleting && this.#deleting === 0) return false;
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
    return this.#state().sums;
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
    if (this.#writes++ % FOLD_EVERY > 0) return;
    if (names(this.#path, UUID).length > MANY) this.#fold(IDLE_MS, spare);
  }

  /**
   * Says that this program is about to delete: until it writes what it has freed,
   * nobody corrects the sums.
   */
  beginDelete(): void {
    if (this.#saysDeleting) return;
    try {
      this.#deleting++;
      this.#writeOwn(0);
    } catch {
      // On a full disk nobody can correct them either.
    } finally {
      this.#deleting--;
    }
  }

  /** Does so until what it returns is disposed of, whatever is written meanwhile. */
  deleting(): Disposable {
    this.beginDelete();
    this.#deleting++;
    return {
      [Symbol.dispose]: () => {
        this.#deleting--;
        this.tryWrite();
      },
    };
  }

  /** The state from which a count of the whole cache begins. */
  beforeCount(): State {
    // What the dead were about to store is there or not: the count will tell.
    this.#fold(2 * SILENCE_MS, 0);
    this.#writeOwn(0);
    return this.#state();
  }

  /**
   * Puts what was counted in the place of what the sums said before that, unless
   * somebody else has, or may subtract what is gone already. What was stored meanwhile
   * may count twice then, so that nothing counts too little.
   *
   * @param mayRaise Whether the sums may become higher: a count that looks at what is just
   * being stored finds more than there is.
   * @returns Whether it was done, and what the cache takes by that count, with what all
   * are about to store; `undefined` if that cannot be told.
   */
  correct(
    counted: number,
    before: State,
    mayRaise: boolean,
  ): { isDone: boolean; size: number | undefined } {
    const after = this.#state();
    if (
      before.isMoving || after.isMoving ||
      [...before.names].some((name) => !after.names.has(name))
    ) return { isDone: false, size: undefined };
    const stored = after.sums.bytes - before.sums.bytes +
      after.sums.freed - before.sums.freed -
      (after.corrected - before.corrected);
    const size = counted + stored + after.sums.taken;
    const change = counted + stored - after.sums.bytes;
    const isDone = (mayRaise || change < 0) && !before.isDeleting &&
      !after.isDeleting &&
      before.epoch === after.epoch &&
      this.#commit(
        before.epoch + 1,
        before.corrected + change,
      );
    return { isDone, size };
  }

  /** Forgets what all programs have added: the cache is empty. */
  reset(): void {
    this.#bytes = this.#freed = 0;
    for (const name of names(this.#path, UUID)) {
      this.add(0, this.#takeAway(join(this.#path, name)).saved);
    }
    // Whoever is first of several: they hold the same.
    let { epoch, corrected } = this.#correction();
    while (corrected !== 0 && !this.#commit(epoch + 1, 0)) {
      ({ epoch, corrected } = this.#correction());
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
      this.#isFolding = true;
      try {
        this.#addAll(seen, 1);
        this.#writeOwn(spare);
        this.#addAll(seen, -1);
        this.#addAll(this.#takeAway(path), 1);
      } finally {
        this.#isFolding = false;
      }
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
    const { bytes, saved, freed, doing } = this.#sums(this.#own);
    if (this.#saysDeleting && doing === 0) {
      // Others may have counted since, without what was deleted.
      this.#bytes += this.#freed;
      this.#freed = 0;
    }
    const busy = this.#deleting > 0 ? DELETES : 0;
    const doingNow = this.#isFolding ? FOLDS : busy;
    const taken = this.#taken + spare;
    const sums = [
      bytes + this.#bytes,
      saved + this.#saved,
      taken,
      freed + this.#freed,
      doingNow,
    ];
    this.#put(encoded(sums));
    this.#bytes = this.#saved = this.#freed = 0;
    this.#saysDeleting = doingNow !== 0;
    this.#announced = taken;
    this.#announcedAt = performance.now();
  }

  /** Makes ready to be written time and again, until it is closed. */
  prepare(): void {
    this.#isBusy = true;
  }

  /**
   * Puts a file in the place of its own. Two change places, as ext4 writes a new file
   * that replaces another to the disk at once (`auto_da_alloc`), for ten times as long.
   */
  #put(bytes: Uint8Array): void {
    if (!this.#isBusy) return this.#files.write(this.#own, bytes);
    const before = this.#keepOwn();
    try {
      if (this.#former === undefined) throw new Deno.errors.NotFound();
      overwrite(this.#former, bytes);
      Deno.renameSync(this.#former, this.#own);
    } catch {
      this.#files.write(this.#own, bytes);
    }
    this.#former = before;
  }

  /** Gives its file a second name; `undefined` if it is not there, or cannot have one. */
  #keepOwn(): string | undefined {
    const path = join(this.#files.folder.tmp, crypto.randomUUID());
    try {
      Deno.linkSync(this.#own, path);
      return path;
    } catch {
      return undefined;
    }
  }

  /** Leaves nothing in `tmp`. */
  close(): void {
    this.#isBusy = false;
    if (this.#former !== undefined) remove(this.#former);
    this.#former = undefined;
  }

  /** Takes a file away; what it held, for the one program whose renaming succeeds. */
  #takeAway(path: string): File {
    const taken = join(this.#files.folder.tmp, crypto.randomUUID());
    try {
      Deno.renameSync(path, taken);
    } catch (error) {
      if (isAbsence(error)) return NOTHING;
      throw error;
    }
    const sums = this.#sums(taken);
    remove(taken);
    return sums;
  }

  #sums(path: string): File {
    return this.#read(path) ?? NOTHING;
  }

  /** What a file says; `undefined` if it is not there. */
  #read(path: string): File | undefined {
    const numbers = this.#numbers(path);
    if (numbers === undefined) return undefined;
    // Former versions wrote the first two.
    const [bytes = 0, saved = 0, taken = 0, freed = 0, doing = 0] = numbers;
    return { bytes, saved, taken, freed, doing };
  }

  #numbers(path: string): number[] | undefined {
    let file = this.#files.readOrNothing(path);
    // It may have become the former one, and be written to just now.
    if (file !== undefined && !isWhole(file, "T")) {
      file = this.#files.readOrNothing(path);
    }
    if (file === undefined) return undefined;
    // Damaged: it counts as nothing until the next `gc`.
    if (!isWhole(file, "T")) return [];
    const text = new TextDecoder().decode(file.subarray(SEAL_BYTES));
    return JSON.parse(text) as number[];
  }

  /** What all files say, with what is not written of this program. */
  #state(): State {
    const { epoch, corrected, found: all } = this.#correction();
    const own = this.#sums(this.#own);
    const sums = {
      bytes: own.bytes + this.#bytes + corrected,
      saved: own.saved + this.#saved,
      taken: this.#taken,
      freed: own.freed + this.#freed,
    };
    const found = new Set(all.filter((name) => UUID.test(name)));
    let isDeleting = false, isMoving = false;
    for (const name of found) {
      const path = join(this.#path, name);
      if (path === this.#own) continue;
      const file = this.#read(path);
      if (file === undefined) {
        isMoving = true;
        continue;
      }
      addSums(sums, file);
      if (file.doing === DELETES) isDeleting = true;
      if (file.doing === FOLDS) isMoving = true;
    }
    return { sums, names: found, epoch, corrected, isDeleting, isMoving };
  }

  /** What corrections have added, the number of the last, and the names of all that is there. */
  #correction(): { epoch: number; corrected: number; found: string[] } {
    for (;;) {
      const found = names(this.#path, UUID_OR_COUNT);
      const epoch = Math.max(0, ...epochsAmong(found));
      if (epoch === 0) return { epoch, corrected: 0, found };
      const numbers = this.#numbers(join(this.#correctionPath(epoch), "sum"));
      // It goes when there is another.
      if (numbers === undefined && Math.max(0, ...this.#epochs()) !== epoch) {
        continue;
      }
      return { epoch, corrected: numbers?.[0] ?? 0, found };
    }
  }

  #epochs(): number[] {
    return epochsAmong(names(this.#path, COUNT));
  }

  #correctionPath(epoch: number): string {
    return join(this.#path, `count-${epoch}`);
  }

  /** Makes a correction unless somebody has made one of that number; whether it was made. */
  #commit(epoch: number, corrected: number): boolean {
    const made = join(this.#files.folder.tmp, `count-${crypto.randomUUID()}`);
    Deno.mkdirSync(made, { recursive: true });
    try {
      this.#files.write(join(made, "sum"), encoded([corrected]));
      // A folder takes the place of none that has something in it, on any disk.
      Deno.renameSync(made, this.#correctionPath(epoch));
    } catch (error) {
      Deno.removeSync(made, { recursive: true });
      if (this.#epochs().some((other) => other >= epoch)) return false;
      throw error;
    }
    for (const old of this.#epochs()) {
      if (old < epoch) removeFolder(this.#correctionPath(old));
    }
    return Math.max(...this.#epochs()) === epoch;
  }
}

function overwrite(path: string, bytes: Uint8Array): void {
  using file = Deno.openSync(path, { write: true });
  for (let at = 0; at < bytes.length;) {
    at += file.writeSync(bytes.subarray(at));
  }
  file.truncateSync(bytes.length);
}

function epochsAmong(found: readonly string[]): number[] {
  return found.filter((name) => COUNT.test(name))
    .map((name) => Number(name.slice(6)));
}

function encoded(numbers: readonly number[]): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(numbers));
  const file = new Uint8Array(SEAL_BYTES + text.length);
  file.set(text, SEAL_BYTES);
  seal(file, "T");
  return file;
}

function removeFolder(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch {
    // Another deletes it too, or the next correction does.
  }
}

function addSums(all: { -readonly [name in keyof Sums]: number }, sums: Sums) {
  all.bytes += sums.bytes;
  all.saved += sums.saved;
  all.taken += sums.taken;
  all.freed += sums.freed;
}
