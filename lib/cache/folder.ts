/**
 * The folder of a cache: where each thing in it is, and the moves that keep
 * it whole. Everything here is a cache's own; nothing else in the folder is touched.
 *
 * @module
 */

import { kindOf, requireFile } from "../value/file_digest.ts";
import { join } from "../value/paths.ts";
import { warn } from "../warn.ts";
import { LockedError } from "./failure.ts";

/** How a cache keeps its records: in one SQLite file, or in a file for each. */
export type Layout = "sqlite" | "files";

const RECORDS: Readonly<Record<Layout, string>> = {
  sqlite:
    `- \`cache.sqlite\` (with \`-wal\` and \`-shm\` while it is in use): one record for each job`,
  files: `- \`layout\`: says that each record is a file of its own
- \`jobs/\`: the records, each file named by the key of its job
- \`snapshots/\`: the code that made them; \`pins/\`: what is kept whatever the limits
- \`totals/\`: how much is there, from each program that stored something; \`shared/\`: which blobs several records name`,
};

const README = (layout: Layout) =>
  `# A cache of hither

Results of jobs, kept so that they are not computed twice.

${RECORDS[layout]}
- \`blobs/\`: large results, each file named by the SHA-256 of its bytes
- \`tmp/\`: blobs that are being written
- \`quarantine/\`: what was found damaged and is no longer used
- \`lock\`: held for moments while the database is opened or replaced
- \`code/\`: which source files were looked at, so that nobody need read them again
- \`owners/\`: a file for each program that computes jobs; \`wake/\`: files that come and go to wake those that wait; \`waits/\`: whom they wait for

The folder may be deleted whenever no program uses it: jobs are then computed again.
`;

/** SQLite's companions of the database, in the order in which they are set aside. */
const COMPANIONS = ["-wal", "-journal", "-shm", ""] as const;

/** Names of all that a cache puts into its folder. */
const OURS =
  /^(cache\.sqlite(-wal|-shm|-journal|-new)?|blobs|tmp|quarantine|lock|owners|wake|waits|leases|layout|jobs|snapshots|code|pins|totals|shared|\.gitignore|README\.md)$/;

/** The name of a folder in the quarantine: a time and a UUID. */
const QUARANTINED = /^\d{4}-\d\d-\d\dT[0-9.-]+Z-[0-9a-f-]{36}$/;

/** Tells on which file a path stands, so that a replaced one is noticed. */
export type Identity = string | undefined;

/** Tells the user what became of the file at a path. */
type Tell = (message: string, path: string) => void;

/** The paths of one cache, and what is done with whole files. */
export class CacheFolder {
  readonly path: string;
  readonly database: string;
  readonly blobs: string;
  readonly tmp: string;
  readonly quarantine: string;
  /** The files of the programs that hold leases. */
  readonly owners: string;
  /** Where those that wait for a key are woken. */
  readonly wake: string;
  /** The files of the programs whose jobs wait for other programs. */
  readonly waits: string;
  /** The leases of the portable layout. */
  readonly leases: string;
  readonly #lock: string;

  constructor(path: string) {
    this.path = path;
    this.database = join(path, "cache.sqlite");
    this.blobs = join(path, "blobs");
    this.tmp = join(path, "tmp");
    this.quarantine = join(path, "quarantine");
    this.owners = join(path, "owners");
    this.wake = join(path, "wake");
    this.waits = join(path, "waits");
    this.leases = join(path, "leases");
    this.#lock = join(path, "lock");
  }

  /** Where the blob of a digest is. */
  blob(digest: string): string {
    return join(this.blobs, digest.slice(0, 2), digest.slice(2));
  }

  /** Makes the folder. */
  #create(): void {
    Deno.mkdirSync(this.path, { recursive: true });
  }

  /**
   * Tells git and people what the folder is. Not in a folder that somebody uses
   * for other things too: there, git must go on looking.
   */
  describe(layout: Layout): void {
    for (const { name } of Deno.readDirSync(this.path)) {
      if (!OURS.test(name)) return;
    }
    for (
      const [name, text] of [[".gitignore", "*\n"], [
        "README.md",
        README(layout),
      ]]
    ) {
      const path = join(this.path, name!);
      this.evict(path, "file");
      Deno.writeTextFileSync(path, text!);
    }
  }

  /**
   * Takes the lock on opening (shared) or replacing (exclusive) the database.
   * The system frees it when its holder dies. Makes the folder if need be.
   *
   * @param patience How long to wait for another program, in ms.
   * @throws {LockedError} if another program has it all that time.
   */
  lock(exclusive: boolean, patience: number): Disposable {
    return hold(this.#openLock(), exclusive, patience);
  }

  /** Takes the shared lock where nothing may be written; without one there, none is needed. */
  lockWhereThere(patience: number): Disposable | undefined {
    let file: Deno.FsFile;
    try {
      requireFile(this.#lock);
      file = Deno.openSync(this.#lock);
    } catch {
      return undefined;
    }
    return hold(file, false, patience);
  }

  #openLock(): Deno.FsFile {
    const path = this.#lock;
    const options = { read: true, write: true, create: true };
    try {
      return Deno.openSync(path, options);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) this.#create();
      else if (!this.evict(path, "file")) throw error;
      return Deno.openSync(path, options);
    }
  }

  /** Which file the database is now; `undefined` where there is none or no telling. */
  identity(): Identity {
    try {
      const { dev, ino } = Deno.statSync(this.database);
      return ino === null ? undefined : `${dev}:${ino}`;
    } catch {
      return undefined;
    }
  }

  /**
   * Whether there is more than an empty file. It is never opened to look: closing
   * it again would take away the locks that SQLite holds on it in this process.
   */
  hasDatabase(): boolean {
    try {
      return Deno.statSync(this.database).size > 0;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  /** Whether there are entries that only a writer could merge into the database. */
  hasWriteAheadLog(): boolean {
    return this.writeAheadLogBytes() > 0;
  }

  /** How long they are. */
  writeAheadLogBytes(): number {
    try {
      return Deno.statSync(this.database + "-wal").size;
    } catch {
      return 0;
    }
  }

  /** Whether some program has the database open, or has left it so. */
  isInUse(): boolean {
    return isThere(this.database + "-wal");
  }

  /** Whether there is anything that SQLite may merge into the database, or undo with. */
  hasJournal(): boolean {
    return this.isInUse() || isThere(this.database + "-journal");
  }

  /**
   * Looks at what SQLite opens beside the database: a pipe would let it wait for ever.
   *
   * @throws if something is no file.
   */
  requireJournals(): void {
    for (const companion of ["-wal", "-journal", "-shm"]) {
      const path = this.database + companion;
      let info: Deno.FileInfo;
      try {
        info = Deno.lstatSync(path);
      } catch {
        continue;
      }
      if (!info.isFile) throw new Error(`${path} is ${kindOf(info)}`);
    }
  }

  /** Whether a cache has been opened here before. */
  hasLock(): boolean {
    return isThere(this.#lock);
  }

  /** Whether there is anything of a database. */
  hasCompanions(): boolean {
    return COMPANIONS.some((companion) => isThere(this.database + companion));
  }

  /** Whether a database is being made, or its maker was killed. */
  isBegun(): boolean {
    return isThere(`${this.database}-new`);
  }

  /** Takes down that a database is being made. */
  begin(): void {
    const path = `${this.database}-new`;
    this.evict(path, "file");
    Deno.writeTextFileSync(path, "");
  }

  /** The database is made. */
  finish(): void {
    Deno.removeSync(`${this.database}-new`);
  }

  /**
   * Moves the database to the quarantine, its companions first: no new database
   * may ever meet an old write-ahead log. Call it with the exclusive lock.
   *
   * @returns Where the database is now.
   */
  setDatabaseAside(): string {
    const target = this.#newQuarantine();
    for (const companion of COMPANIONS) {
      // What is no file is no part of it.
      this.evict(this.database + companion, "file");
      move(this.database + companion, join(target, "cache.sqlite" + companion));
    }
    return join(target, "cache.sqlite");
  }

  /** Moves one file to the quarantine and tells where it is now; `undefined` if it was gone. */
  setFileAside(path: string, name: string): string | undefined {
    const target = join(this.#newQuarantine(), name);
    return move(path, target) ? target : undefined;
  }

  /** Moves what stands at a path to the quarantine if it is not of the right kind, and says so; whether it did. */
  evict(path: string, kind: "file" | "folder", tell: Tell = warn): boolean {
    try {
      const found = Deno.lstatSync(path);
      const right = kind === "file"
        ? found.isFile
        : found.isDirectory || found.isSymlink;
      if (right) return false;
      const target = this.setFileAside(path, "intruder");
      if (target === undefined) return false;
      tell(`${path} is not a ${kind} and was moved to ${target}`, path);
      return true;
    } catch {
      return false;
    }
  }

  /** Evicts from each of our places what cannot be there, and says so; whether something was. */
  evictIntruders(tell?: Tell): boolean {
    let evicted = this.evict(this.quarantine, "folder", tell);
    for (const companion of COMPANIONS) {
      if (this.evict(this.database + companion, "file", tell)) evicted = true;
    }
    for (
      const folder of [
        this.blobs,
        this.tmp,
        this.owners,
        this.wake,
        this.waits,
      ]
    ) {
      if (this.evict(folder, "folder", tell)) evicted = true;
    }
    return evicted;
  }

  /** Does what needs folders of a cache; once more if something else stood in the place of one. */
  withFolders<R>(action: () => R): R {
    try {
      return action();
    } catch (error) {
      if (!this.evictIntruders()) throw error;
      return action();
    }
  }

  /** Deletes what was set aside, and nothing that somebody else put there. */
  clearQuarantine(): void {
    let entries: Deno.DirEntry[];
    try {
      entries = [...Deno.readDirSync(this.quarantine)];
    } catch {
      return;
    }
    for (const { name } of entries) {
      if (name === "rows.jsonl" || QUARANTINED.test(name)) {
        Deno.removeSync(join(this.quarantine, name), { recursive: true });
      }
    }
  }

  /** Keeps a damaged row for who wants to look at it. */
  keepRow(row: Record<string, unknown>): void {
    this.#makeQuarantine(this.quarantine);
    const line = JSON.stringify(
      row,
      (_key, value) => value instanceof Uint8Array ? value.toHex() : value,
    );
    const path = join(this.quarantine, "rows.jsonl");
    this.evict(path, "file");
    Deno.writeTextFileSync(path, line + "\n", { append: true });
  }

  #newQuarantine(): string {
    const time = new Date().toISOString().replaceAll(":", "-");
    const path = join(this.quarantine, `${time}-${crypto.randomUUID()}`);
    this.#makeQuarantine(path);
    return path;
  }

  /** Makes the folder of the quarantine, or one in it. */
  #makeQuarantine(path: string): void {
    try {
      Deno.mkdirSync(path, { recursive: true });
    } catch (error) {
      // The quarantine itself may be a file: it makes way under another name.
      if (
        !(error instanceof Deno.errors.NotADirectory) &&
        !(error instanceof Deno.errors.AlreadyExists)
      ) throw error;
      const target = `${this.quarantine}-${crypto.randomUUID()}`;
      Deno.renameSync(this.quarantine, target);
      warn(`${this.quarantine} is not a folder and was moved to ${target}`);
      Deno.mkdirSync(path, { recursive: true });
    }
  }
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function hold(
  file: Deno.FsFile,
  exclusive: boolean,
  patience: number,
): Disposable {
  if (!acquire(file, exclusive, patience)) {
    file.close();
    throw new LockedError();
  }
  return { [Symbol.dispose]: () => file.close() };
}

/** Tries, as the system's own wait for a lock has no end. */
function acquire(
  file: Deno.FsFile,
  exclusive: boolean,
  patience: number,
): boolean {
  const deadline = performance.now() + patience;
  try {
    for (let pause = 1; !file.tryLockSync(exclusive); pause *= 2) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      pauseSync(Math.min(pause, left));
    }
  } catch {
    // A file system without locks: one process at a time is all it can serve.
  }
  return true;
}

function pauseSync(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function move(from: string, to: string): boolean {
  try {
    Deno.renameSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
