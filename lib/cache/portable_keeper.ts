/**
 * What a cache of files can be used for, and how what goes wrong with it is told.
 *
 * @module
 */

import { CacheError } from "../errors.ts";
import { warnOnce } from "../warn.ts";
import { causeOf, isFull, isWriteRefusal } from "./failure.ts";
import type { CacheFolder } from "./folder.ts";
import { missingPermissions } from "./permission.ts";
import type { PortableFolder } from "./portable_folder.ts";

export type State = "closed" | "writable" | "readable" | "unusable";

/** A cache folder of this layout. Nothing is looked at until it is asked for. */
export class PortableKeeper {
  readonly isReadonly: boolean;
  readonly #mayBeAbsent: boolean;
  readonly #folder: CacheFolder;
  readonly #files: PortableFolder;
  readonly #onOpen: () => void;
  #state: State = "closed";

  /** @param onOpen Called when it turns out that it can be written to. */
  constructor(
    folder: CacheFolder,
    files: PortableFolder,
    { readonly, mayBeAbsent = false }: {
      readonly readonly: boolean;
      readonly mayBeAbsent?: boolean;
    },
    onOpen: () => void,
  ) {
    this.#folder = folder;
    this.#files = files;
    this.isReadonly = readonly;
    this.#mayBeAbsent = mayBeAbsent;
    this.#onOpen = onOpen;
  }

  /** What is known by now. */
  get state(): State {
    return this.#state;
  }

  close(): void {
    this.#state = "closed";
  }

  open(): State {
    if (this.#state !== "closed") return this.#state;
    try {
      this.#state = this.#examine();
      if (this.#state === "writable") {
        this.#onOpen();
      }
      return this.#state;
    } catch (error) {
      this.warn(
        "open",
        `the cache in ${this.#folder.path} cannot be used, so jobs are computed again: ${
          causeOf(error)
        }`,
      );
      return this.#state = "unusable";
    }
  }

  #examine(): State {
    const { path } = this.#folder;
    const readonly = this.isReadonly, mayBeAbsent = this.#mayBeAbsent;
    if (missingPermissions(["read"], path) !== undefined) {
      // Told with all that is needed, so that nobody starts a program twice in vain.
      throw new Error(
        missingPermissions(readonly ? ["read"] : ["read", "write"], path),
      );
    }
    const isThere = this.#files.isThere();
    if (readonly) {
      if (isThere) return "readable";
      if (!mayBeAbsent) {
        this.warn("absent", `the read-only cache in ${path} does not exist`);
      }
      return "unusable";
    }
    const unwritable = missingPermissions(["write"], path);
    if (unwritable !== undefined) {
      if (!isThere) throw new Error(unwritable);
      this.warnNotStored(new Error(unwritable));
      return "readable";
    }
    if (this.#files.isMarked()) return "writable";
    try {
      this.#files.create();
    } catch (error) {
      if (!isThere) throw error;
      this.warnNotStored(error);
      return "readable";
    }
    return "writable";
  }

  /** Does something with files; what cannot be done is told once, and comes to nothing. */
  attempt<R>(action: () => R): R | undefined {
    if (this.open() === "unusable") return undefined;
    try {
      return action();
    } catch (error) {
      this.warnUnreadable(error);
      return undefined;
    }
  }

  /** Does what a user asked for, who is told if it cannot be done. */
  change<R>(verb: string, action: () => R): R {
    this.#requireOpen(verb);
    if (this.#state === "readable") {
      throw new CacheError(
        `Cannot ${verb} the cache in ${this.#folder.path} as it is read-only`,
      );
    }
    try {
      return action();
    } catch (error) {
      throw this.#cannot(verb, error);
    }
  }

  #requireOpen(verb: string): void {
    if (this.open() !== "unusable") return;
    throw new CacheError(
      `Cannot ${verb} the cache in ${this.#folder.path} as it cannot be used`,
    );
  }

  async told<R>(verb: string, work: Promise<R>): Promise<R> {
    try {
      return await work;
    } catch (error) {
      // The reason of a signal is the caller's own.
      if (!isOfSystem(error)) throw error;
      throw this.#cannot(verb, error);
    }
  }

  #cannot(verb: string, error: unknown): CacheError {
    if (isWriteRefusal(error)) {
      return new CacheError(
        `Cannot ${verb} the cache in ${this.#folder.path} as it is read-only`,
        { cause: error },
      );
    }
    if (isFull(error)) {
      return new CacheError(
        `Cannot ${verb} the cache in ${this.#folder.path} as its disk is full: free some space on it, or collect garbage with a maxSize`,
        { cause: error },
      );
    }
    return new CacheError(
      `Cannot ${verb} the cache in ${this.#folder.path}: ${causeOf(error)}`,
      { cause: error },
    );
  }

  warnNotStored(error: unknown): void {
    this.warn(
      "store",
      `results are not stored in the cache in ${this.#folder.path}: ${
        causeOf(error)
      }`,
    );
  }

  warnUnreadable(error: unknown): void {
    this.warn(
      "read",
      `the cache in ${this.#folder.path} cannot be read: ${causeOf(error)}`,
    );
  }

  warn(kind: string, message: string): void {
    warnOnce(`${this.#folder.path} ${kind}`, message);
  }
}

/** Whether an error came from a disk. */
export function isOfSystem(error: unknown): boolean {
  return error instanceof Error && "code" in error &&
    typeof error.code === "string";
}
