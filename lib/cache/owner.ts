/**
 * The processes that hold leases in a cache folder, and how to tell that one is
 * dead. Each has a file in `owners/`: who it is, then a heartbeat, or a lease.
 *
 * On a disk of this machine a process keeps a lock on its file. The system frees
 * it when the process dies, however that happens, and not before, however busy it
 * is: whoever gets the lock knows. Where locks cannot be relied on (network disks),
 * a file that stays as it is for 1.5 heartbeats is that of a dead process.
 *
 * @module
 */

import { requireFile } from "../value/file_digest.ts";
import { join } from "../value/paths.ts";
import type { CacheFolder } from "./folder.ts";
import { Heartbeat, HEARTBEAT_MS } from "./heartbeat.ts";
import { hostName } from "./host.ts";
import type { Lease } from "./lease.ts";
import { LeaseSlot, readSlot } from "./lease_slot.ts";
import { isStopped, startTime } from "./process_state.ts";
import { Sightings } from "./sightings.ts";

/** How long a sign of life may stay out, in ms. */
const SILENCE_MS = 1.5 * HEARTBEAT_MS;

/** Files of owners and wake-ups that are older than this belong to nobody, in ms. */
const STALE_MS = 7 * 24 * 3_600_000;

const NAME = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The first line of an owner's file. */
interface Head {
  readonly host: string;
  readonly pid: number;
  /** When it began, in ms since the epoch: for people. */
  readonly started: number;
  /** The same by the system's own clock: no other process with this pid has it. */
  readonly startTime: string;
  /** Whether it keeps a lock on the file. */
  readonly locked: boolean;
}

/** This process's own file. */
interface Own {
  readonly name: string;
  readonly path: string;
  readonly head: string;
  /** Open while it is locked. */
  readonly file: Deno.FsFile | undefined;
  readonly heartbeat: Heartbeat | undefined;
  readonly slot: LeaseSlot | undefined;
}

/** The owners of one cache folder, this process among them. */
export class Owners {
  readonly #folder: CacheFolder;
  readonly #locks: boolean;
  readonly #sightings = new Sightings();
  #own: Own | undefined;
  #refused = false;

  /**
   * @param locks Whether locks on files can be relied on there.
   */
  constructor(folder: CacheFolder, locks: boolean) {
    this.#folder = folder;
    this.#locks = locks;
  }

  /** The name of this process's file, which is made if need be; `undefined` if it cannot be. */
  own(): string | undefined {
    if (this.#own === undefined && !this.#refused) {
      try {
        this.#own = this.#folder.withFolders(() => this.#create());
        this.#sweep(this.#own);
      } catch {
        this.#refused = this.#own === undefined;
      }
    }
    return this.#own?.name;
  }

  /** Where this process can write one lease into its file; `undefined` where others could not read that, or know when it is dead. */
  get slot(): LeaseSlot | undefined {
    return this.#own?.slot;
  }

  /**
   * The lease that another process has written into its file.
   *
   * @throws if that is there and cannot be read.
   */
  readSlot(name: string): Pick<Lease, "key" | "token"> | undefined {
    try {
      return readSlot(join(this.#folder.owners, name));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /** Whether other processes have files here and live. */
  hasCompany(): boolean {
    for (const { name } of Deno.readDirSync(this.#folder.owners)) {
      if (name !== this.#own?.name && isOwnerName(name) && !this.isDead(name)) {
        return true;
      }
    }
    return false;
  }

  /** This process holds one lease more. */
  hold(): void {
    this.#own?.heartbeat?.hold();
  }

  /** This process holds one lease less. */
  letGo(): void {
    this.#own?.heartbeat?.letGo();
  }

  /** Makes sure that others see this process: somebody may have taken it for dead and removed its file. */
  check(): void {
    const own = this.#own;
    if (own === undefined || modifiedAt(own.path) !== Infinity) return;
    own.file?.close();
    try {
      const file = this.#write(own);
      this.#own = { ...own, file, slot: slotIn(file, own.head) };
    } catch {
      this.#own = { ...own, file: undefined, slot: undefined };
    }
  }

  /** Whether the process of a file is dead, as far as can be told; a dead one's file is removed. */
  isDead(name: string): boolean {
    if (name === this.#own?.name) return false;
    // No file that we made: a damaged name.
    if (!isOwnerName(name)) return true;
    const path = join(this.#folder.owners, name);
    let file: Deno.FsFile;
    try {
      requireFile(path);
      file = Deno.openSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) {
        this.#sightings.forget(name);
        return true;
      }
      // Nothing can be told of it: then a job that runs twice is better than one that waits for ever.
      return this.#sightings.unchanged(name, "unreadable") >= SILENCE_MS;
    }
    try {
      return this.#judge(name, path, file);
    } finally {
      file.close();
    }
  }

  /** The machine and the process, for people. */
  describe(name: string): string {
    const head = this.#read(name);
    return head === undefined
      ? "another process"
      : `${head.host || "another machine"}, process ${head.pid}`;
  }

  /** Whether something stays as it is for longer than a living owner would leave it. */
  isSilent(id: string, text: string): boolean {
    return this.#sightings.unchanged(id, text) >= SILENCE_MS;
  }

  /** Removes this process's file; the next lease has a new one. */
  close(): void {
    this.#refused = false;
    const own = this.#own;
    if (own === undefined) return;
    this.#own = undefined;
    own.heartbeat?.stop();
    removeQuietly(own.path);
    own.file?.close();
  }

  /** Whether the process that has this file is dead; removes the file if so. */
  #judge(name: string, path: string, file: Deno.FsFile): boolean {
    let text = "";
    try {
      text = Deno.readTextFileSync(path);
    } catch {
      // Where a lock keeps others from reading, it is not free either.
    }
    const head = headOf(text);
    if (head?.locked ?? this.#locks) {
      const got = tryLock(file);
      if (got === false) return this.#isStopped(name, head);
      if (got && head?.locked) {
        removeQuietly(path);
        return true;
      }
    }
    if (this.#sightings.unchanged(name, text) < SILENCE_MS) return false;
    removeQuietly(path);
    return true;
  }

  /** Whether a process that has its lock was stopped and not continued. Its file stays: it may be continued. */
  #isStopped(name: string, head: Head | undefined): boolean {
    if (
      head !== undefined && head.host === hostName() &&
      isStopped(head.pid, head.startTime)
    ) return this.#sightings.unchanged(name, "stopped") >= SILENCE_MS;
    this.#sightings.forget(name);
    return false;
  }

  #read(name: string): Head | undefined {
    if (!isOwnerName(name)) return undefined;
    const path = join(this.#folder.owners, name);
    try {
      requireFile(path);
      return headOf(Deno.readTextFileSync(path));
    } catch {
      return undefined;
    }
  }

  #create(): Own {
    const name = crypto.randomUUID();
    const path = join(this.#folder.owners, name);
    const head: Head = {
      host: hostName(),
      pid: Deno.pid,
      started: Date.now(),
      startTime: startTime(Deno.pid) ?? "",
      locked: this.#locks,
    };
    const own = { name, path, head: JSON.stringify(head) };
    const file = this.#write(own);
    const slot = slotIn(file, own.head);
    const heartbeat = file === undefined
      ? new Heartbeat(path, own.head)
      : undefined;
    return { ...own, file, heartbeat, slot };
  }

  /** Makes the file of this process, which is open while it is locked. */
  #write(
    { name, path, head }: Pick<Own, "name" | "path" | "head">,
  ): Deno.FsFile | undefined {
    const { owners, tmp } = this.#folder;
    // Nobody may see it before it is locked and whole.
    const draft = join(tmp, name);
    const file = createFile(draft, tmp);
    try {
      const locked = this.#locks && tryLock(file) === true;
      file.writeSync(new TextEncoder().encode(head + "\n"));
      Deno.mkdirSync(owners, { recursive: true });
      Deno.renameSync(draft, path);
      if (locked) return file;
      file.close();
      return undefined;
    } catch (error) {
      file.close();
      removeQuietly(draft);
      throw error;
    }
  }

  /** Removes the files of owners who died with no lease, and wake-ups that nobody finished. */
  #sweep(own: Own): void {
    const { owners, wake } = this.#folder;
    // By the clock of the disk, which is not always ours.
    const now = modifiedAt(own.path);
    for (const { name } of Deno.readDirSync(owners)) {
      if (name === own.name || !isOwnerName(name)) continue;
      if (this.#locks) this.isDead(name);
      else if (now - modifiedAt(join(owners, name)) > STALE_MS) {
        removeQuietly(join(owners, name));
      }
    }
    try {
      for (const { name } of Deno.readDirSync(wake)) {
        const path = join(wake, name);
        if (now - modifiedAt(path) > STALE_MS) removeQuietly(path);
      }
    } catch {
      // Nobody has waited here yet.
    }
  }
}

/** Whether something is a name that an owner's file can have. */
export function isOwnerName(name: unknown): name is string {
  return typeof name === "string" && NAME.test(name);
}

/** Removes a file that may be gone. */
export function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // Somebody else did, or nobody can.
  }
}

/** The slot behind the head of a file that is locked. On Windows a lock keeps others from reading. */
function slotIn(
  file: Deno.FsFile | undefined,
  head: string,
): LeaseSlot | undefined {
  if (file === undefined || Deno.build.os === "windows") return undefined;
  return new LeaseSlot(file, new TextEncoder().encode(head).length + 1);
}

function createFile(path: string, folder: string): Deno.FsFile {
  const options = { read: true, write: true, createNew: true };
  try {
    return Deno.openSync(path, options);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    Deno.mkdirSync(folder, { recursive: true });
    return Deno.openSync(path, options);
  }
}

/** Whether a file could be locked; `undefined` where the file system has no locks. */
function tryLock(file: Deno.FsFile): boolean | undefined {
  try {
    return file.tryLockSync(true);
  } catch {
    return undefined;
  }
}

function modifiedAt(path: string): number {
  try {
    return Deno.lstatSync(path).mtime?.getTime() ?? Infinity;
  } catch {
    return Infinity;
  }
}

/** The head of an owner's file; `undefined` if it is damaged or being written. */
function headOf(text: string): Head | undefined {
  try {
    const head = JSON.parse(text.slice(0, text.indexOf("\n")));
    return typeof head?.pid === "number" && typeof head.host === "string" &&
        typeof head.startTime === "string" && typeof head.locked === "boolean"
      ? head
      : undefined;
  } catch {
    return undefined;
  }
}
