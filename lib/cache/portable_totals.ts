/**
 * What a cache holds and has saved, known without looking at all of it: each
 * program keeps its sum in a file of its own, `totals/<uuid>`, which nobody else
 * writes; the total is the sum of the files. They are folded into one by whoever
 * finds many: who renames a file away has taken it, and adds it to its own.
 *
 * The total is near the truth, not exact: a program that is killed takes what it
 * had not written yet with it. `gc` counts anew.
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

/** More files than this are folded. */
const MANY = 32;

const NOTHING: Sums = { bytes: 0, saved: 0 };

const UUID = /^[0-9a-f-]{36}$/;

/** Sums. */
export interface Sums {
  /** Bytes on disk. */
  readonly bytes: number;
  /** Time that hits have saved, in ms. */
  readonly saved: number;
}

/** The sums of one cache, and what this program adds to them. */
export class PortableTotals {
  readonly #files: PortableFolder;
  readonly #path: string;
  readonly #own: string;
  #bytes = 0;
  #saved = 0;

  constructor(files: PortableFolder) {
    this.#files = files;
    this.#path = join(files.folder.path, "totals");
    this.#own = join(this.#path, crypto.randomUUID());
  }

  /** What was added and is not written yet. */
  get unwritten(): Sums {
    return { bytes: this.#bytes, saved: this.#saved };
  }

  /** Adds to the sums, in memory. */
  add(bytes: number, saved: number): void {
    this.#bytes += bytes;
    this.#saved += saved;
  }

  /** The sums of all programs. */
  read(): Sums {
    let { bytes, saved } = this.unwritten;
    for (const name of names(this.#path, UUID)) {
      const sums = this.#sums(join(this.#path, name));
      bytes += sums.bytes;
      saved += sums.saved;
    }
    return { bytes: Math.max(bytes, 0), saved };
  }

  /** Writes them if that can be done; whether it was. */
  tryWrite(): boolean {
    try {
      this.write();
      return true;
    } catch {
      // The disk is full or gone, of which the next store tells.
      return false;
    }
  }

  /** Writes what was added; folds the files of programs that ended where there are many. */
  write(): void {
    if (this.#bytes === 0 && this.#saved === 0) return;
    this.#writeOwn();
    const others = names(this.#path, UUID);
    if (others.length <= MANY) return;
    for (const name of others) {
      const path = join(this.#path, name);
      const written = infoOf(path)?.mtime?.getTime() ?? Infinity;
      if (path !== this.#own && Date.now() - written > IDLE_MS) {
        const { bytes, saved } = this.#take(path);
        this.add(bytes, saved);
      }
    }
    this.#writeOwn();
  }

  /** Puts what was counted in the place of all bytes that were added so far. */
  reset(bytes: number): void {
    this.#bytes = bytes;
    for (const name of names(this.#path, UUID)) {
      this.add(0, this.#take(join(this.#path, name)).saved);
    }
    this.#writeOwn();
  }

  #writeOwn(): void {
    // Somebody may have taken the file: then it begins anew.
    const { bytes, saved } = this.#sums(this.#own);
    const sums = [bytes + this.#bytes, saved + this.#saved];
    const text = new TextEncoder().encode(JSON.stringify(sums));
    const file = new Uint8Array(SEAL_BYTES + text.length);
    file.set(text, SEAL_BYTES);
    seal(file, "T");
    this.#files.write(this.#own, file);
    this.#bytes = this.#saved = 0;
  }

  /** Takes a file away; what it held, for the one program whose renaming succeeds. */
  #take(path: string): Sums {
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
    const [bytes, saved] = JSON.parse(text) as [number, number];
    return { bytes, saved };
  }
}
