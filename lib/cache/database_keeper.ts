/**
 * How a store gets at its database: it is opened when it is needed, and replaced when
 * it is damaged; what cannot be used costs a warning, no result.
 *
 * @module
 */

import { CacheError } from "../errors.ts";
import { warnOnce } from "../warn.ts";
import {
  type CacheDatabase,
  OPEN_MS,
  openAside,
  openReadonly,
  openWritable,
  PATIENT_MS,
  replaceDamaged,
  type Report,
} from "./database.ts";
import { causeOf, failureOf } from "./failure.ts";
import type { CacheFolder } from "./folder.ts";
import defer * as fullDisk from "./full_disk.ts";
import { Interned } from "./interned.ts";
import type { Opened } from "./opened.ts";
import { PAGE_BYTES } from "./schema.ts";
import { OthersDatabaseError } from "./others_database.ts";
import { missingPermissions } from "./permission.ts";

/** Damaged databases that one program replaces; after that the disk is to blame. */
const MAX_REPLACEMENTS = 3;

/** How long a program hopes that others let it open the database, in ms; after that it does without. */
const HOPE_MS = 2_000;

/** What a store may do with its database. */
export interface AccessOptions {
  /** Whether nothing may be written. */
  readonly readonly?: boolean | undefined;
  /** Whether it belongs to others, so that SQLite may not make files beside it either, where that can be. */
  readonly aside?: boolean | undefined;
  /** Whether it is worth no warning if there is none. */
  readonly mayBeAbsent?: boolean | undefined;
}

/** The database of one cache folder. Opens nothing until it is asked for. */
export class DatabaseKeeper {
  readonly isReadonly: boolean;
  readonly #folder: CacheFolder;
  readonly #aside: boolean;
  readonly #mayBeAbsent: boolean;
  readonly #onOpen: () => void;
  #opened: Opened | undefined;
  #unusable = false;
  /** Why it is not to be used, where it is another program's. */
  #others: OthersDatabaseError | undefined;
  /** Since when others have kept this program from opening the database. */
  #busySince: number | undefined;
  /** Why the database can only be read, though it should not. */
  #unwritable: string | undefined;
  #replacements = 0;
  /** Works of many changes that go on. */
  #works = 0;
  /** Damaged databases since that was asked last. */
  #damaged = 0;
  readonly #report: Report = (message, isDamaged = false) => {
    if (isDamaged) this.#damaged++;
    this.warn(message, message);
  };

  /** @param onOpen Called when it was opened. */
  constructor(
    folder: CacheFolder,
    { readonly = false, aside = false, mayBeAbsent = false }: AccessOptions,
    onOpen: () => void,
  ) {
    this.#folder = folder;
    this.isReadonly = readonly;
    this.#aside = aside;
    this.#mayBeAbsent = mayBeAbsent;
    this.#onOpen = onOpen;
  }

  /** The database if it is open. */
  get opened(): Opened | undefined {
    return this.#opened;
  }

  get isUsable(): boolean {
    return !this.#unusable;
  }

  /** Why the database can only be read, though it should not. */
  get unwritable(): string | undefined {
    return this.#unwritable;
  }

  /** How many damaged databases were replaced since this was asked last. */
  takeDamaged(): number {
    const damaged = this.#damaged;
    this.#damaged = 0;
    return damaged;
  }

  close(): void {
    this.#opened?.database[Symbol.dispose]();
    this.#opened = undefined;
  }

  /** Does something with the database; damage found on the way is repaired, and it is done again. */
  attempt<R>(action: (opened: Opened) => R): R | undefined {
    for (;;) {
      const opened = this.open();
      if (opened === undefined) return undefined;
      try {
        return action(opened);
      } catch (error) {
        if (!this.#recover(opened, error)) return undefined;
      }
    }
  }

  /** Opens the database unless it is open; waits for other programs once, later attempts go on at once. */
  open(
    patience = this.#busySince === undefined ? OPEN_MS : 0,
  ): Opened | undefined {
    try {
      return this.#open(patience);
    } catch (error) {
      this.#warnUnusable(error);
      return undefined;
    }
  }

  /** Throws why it cannot be opened: once, but for what is another program's. */
  #open(patience: number): Opened | undefined {
    if (this.#opened !== undefined) return this.#opened;
    if (this.#others !== undefined) throw this.#others;
    if (this.#unusable) return undefined;
    try {
      const database = this.#openDatabase(patience);
      this.#busySince = undefined;
      if (database === undefined) {
        this.#unusable = true;
        return undefined;
      }
      this.#onOpen();
      return this.#opened = {
        database,
        interned: new Interned(database),
        ordered: false,
      };
    } catch (error) {
      if (failureOf(error) === "busy" && this.#hopes()) return undefined;
      this.#unusable = true;
      if (error instanceof OthersDatabaseError) this.#others = error;
      throw error;
    }
  }

  /** Opens it for what a user asked for, who need not be warned of what is thrown. */
  #openToChange(verb: string): Opened | undefined {
    try {
      return this.#open(PATIENT_MS);
    } catch (error) {
      if (error instanceof OthersDatabaseError) {
        throw new CacheError(
          `Cannot ${verb} the cache in ${this.#folder.path} as ${error.message}`,
          { cause: error },
        );
      }
      this.#warnUnusable(error);
      return undefined;
    }
  }

  #warnUnusable(error: unknown): void {
    this.warn(
      "open",
      `the cache in ${this.#folder.path} cannot be used, so jobs are computed again: ${
        causeOf(error)
      }`,
    );
  }

  /** Notes that others are at the database; whether there is hope that they let go. */
  #hopes(): boolean {
    const now = performance.now();
    this.#busySince ??= now;
    return now - this.#busySince < HOPE_MS;
  }

  /** Whether what cannot be opened now may be opened later. */
  get isKeptOut(): boolean {
    return this.#busySince !== undefined && !this.#unusable;
  }

  #openDatabase(patience: number): CacheDatabase | undefined {
    const report = this.#report;
    const { path } = this.#folder;
    if (missingPermissions(["read"], path) !== undefined) {
      // Told with all that is needed, so that nobody starts a program twice in vain.
      throw new Error(
        missingPermissions(
          this.isReadonly ? ["read"] : ["read", "write"],
          path,
        ),
      );
    }
    if (this.isReadonly) {
      const open = this.#aside ? openAside : openReadonly;
      const opened = open(this.#folder, report, patience);
      if (opened === undefined && !this.#mayBeAbsent) {
        this.warn("absent", `the read-only cache in ${path} does not exist`);
      }
      return opened;
    }
    try {
      const unwritable = missingPermissions(["write"], path);
      if (unwritable !== undefined) throw new Error(unwritable);
      return openWritable(this.#folder, report, patience);
    } catch (error) {
      const isOthers = error instanceof OthersDatabaseError;
      if (isOthers || failureOf(error) === "busy") throw error;
      // What is there can perhaps be used all the same.
      const opened = this.#openWhatIsThere(report, patience);
      if (opened === undefined) throw error;
      // Told when something is to be stored.
      this.#unwritable = causeOf(error);
      return opened;
    }
  }

  #openWhatIsThere(
    report: Report,
    patience: number,
  ): CacheDatabase | undefined {
    try {
      return openReadonly(this.#folder, report, patience);
    } catch (error) {
      if (failureOf(error) === "busy") throw error;
      return undefined;
    }
  }

  /** Looks at what went wrong; whether it is worth another attempt. */
  #recover(opened: Opened, error: unknown): boolean {
    const failure = failureOf(error);
    if (failure === "busy") return false;
    if (failure === "unusable") {
      this.warn(
        "read",
        `the cache in ${this.#folder.path} cannot be read: ${causeOf(error)}`,
      );
      return false;
    }
    return this.replace(opened, causeOf(error));
  }

  /** Puts a new database in the place of a damaged one; whether there is a usable one now. */
  replace({ database }: Opened, what: string): boolean {
    // Somebody on this stack has done it already.
    if (this.#opened?.database !== database) return this.#opened !== undefined;
    this.#opened = undefined;
    const { path } = this.#folder;
    if (!database.writable || ++this.#replacements > MAX_REPLACEMENTS) {
      database[Symbol.dispose]();
      this.#unusable = true;
      this.warn(
        "damage",
        `the cache in ${path} is damaged (${what}) and no longer used`,
      );
      return false;
    }
    try {
      const successor = replaceDamaged(
        this.#folder,
        this.#report,
        database,
        what,
        OPEN_MS,
      );
      this.#opened = {
        database: successor,
        interned: new Interned(successor),
        ordered: true,
      };
      return true;
    } catch (error) {
      // Perhaps another program is replacing it.
      if (failureOf(error) === "busy" && this.#hopes()) return false;
      this.#unusable = true;
      this.warn(
        "damage",
        `the cache in ${path} is damaged (${what}) and cannot be replaced: ${
          causeOf(error)
        }`,
      );
      return false;
    }
  }

  /** Does what a user asked for, who is told if it cannot be done. */
  change<R>(verb: string, action: (opened: Opened) => R): R {
    try {
      return this.#change(verb, action);
    } finally {
      if (this.#works === 0) this.#leavePlace();
    }
  }

  /** Does work of many changes. */
  async during<R>(work: () => Promise<R>): Promise<R> {
    this.#works++;
    try {
      return await work();
    } finally {
      if (--this.#works === 0) this.#leavePlace();
    }
  }

  #change<R>(verb: string, action: (opened: Opened) => R): R {
    const { path } = this.#folder;
    const opened = this.#openToChange(verb);
    const isUnwritable = opened !== undefined && !opened.database.writable;
    if (
      !this.isReadonly && !this.isKeptOut &&
      (isUnwritable || opened === undefined) &&
      fullDisk.isDiskFull(this.#folder)
    ) return this.#changeInPlace(verb, action);
    if (this.isReadonly || isUnwritable) {
      throw new CacheError(
        `Cannot ${verb} the cache in ${path} as it is read-only`,
      );
    }
    if (opened === undefined) {
      throw new CacheError(
        `Cannot ${verb} the cache in ${path} as ${
          this.isKeptOut
            ? "another program holds its lock"
            : "it cannot be used"
        }`,
      );
    }
    try {
      return action(opened);
    } catch (error) {
      const damaged = failureOf(error) === "damage";
      if (damaged && this.replace(opened, causeOf(error))) {
        return this.#change(verb, action);
      }
      if (
        failureOf(error) === "unusable" && fullDisk.isDiskFull(this.#folder)
      ) {
        if (opened.database.isInPlace) throw this.#full(verb, error);
        return this.#changeInPlace(verb, action);
      }
      throw new CacheError(
        `Cannot ${verb} the cache in ${path}: ${causeOf(error)}`,
        { cause: error },
      );
    }
  }

  /** Does something with a database for which its disk has no room. */
  #changeInPlace<R>(verb: string, action: (opened: Opened) => R): R {
    this.close();
    let database: CacheDatabase;
    try {
      database = fullDisk.openInPlace(this.#folder, PATIENT_MS);
    } catch (error) {
      throw this.#full(verb, error);
    }
    this.#opened = {
      database,
      interned: new Interned(database),
      ordered: true,
    };
    this.#unusable = false;
    this.#unwritable = undefined;
    return this.#change(verb, action);
  }

  /** Lets others at a database that was changed in place. */
  #leavePlace(): void {
    if (this.#opened?.database.isInPlace) this.close();
  }

  #full(verb: string, error: unknown): CacheError {
    const bytes = this.#folder.writeAheadLogBytes() + PAGE_BYTES;
    const cure = failureOf(error) === "busy"
      ? "other programs have it open: end them, or free some space on the disk"
      : `its newest entries cannot be merged without some more: free ${bytes} bytes on the disk, or delete the folder, and its jobs are computed again`;
    return new CacheError(
      `Cannot ${verb} the cache in ${this.#folder.path} as its disk is full, and ${cure}`,
      { cause: error },
    );
  }

  /** Says something of this folder once. */
  warn(kind: string, message: string): void {
    warnOnce(`${this.#folder.path} ${kind}`, message);
  }
}
