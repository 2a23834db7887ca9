/**
 * What an error of SQLite or of the file system means for a cache.
 *
 * @module
 */

/**
 * - `damage`: the database is not what was written;
 * - `busy`: another process is at it;
 * - `unusable`: the folder cannot be used (full, read-only, not permitted).
 */
export type Failure = "damage" | "busy" | "unusable";

const BUSY = 5, LOCKED = 6, PROTOCOL = 15, SCHEMA = 17;
const PERM = 3, NOMEM = 7, READONLY = 8, IOERR = 10, FULL = 13, CANTOPEN = 14;
const CONSTRAINT = 19, MISMATCH = 20, MISUSE = 21, RANGE = 25;
const IOERR_SHORT_READ = 522;

// Errors of preparing and opening come without a code, but SQLite's texts are stable.
const BY_TEXT: readonly (readonly [RegExp, number])[] = [
  [/ is locked$/, BUSY],
  [/locking protocol$/, PROTOCOL],
  [/readonly database$/, READONLY],
  [/disk I\/O error$/, IOERR],
  [/is full$/, FULL],
  [/unable to open database/, CANTOPEN],
  [/access permission denied$/, PERM],
  [/out of memory$/, NOMEM],
];

/** The database contradicts itself in a way that SQLite did not see. */
export class DamageError extends Error {}

/** Another program holds the lock on the folder. */
export class LockedError extends Error {
  constructor() {
    super("another program holds its lock");
  }
}

/** Classifies what was thrown by an operation on the database. */
export function failureOf(error: unknown): Failure {
  if (error instanceof DamageError) return "damage";
  if (error instanceof LockedError) return "busy";
  if (!(error instanceof Error)) return "unusable";
  const { errcode, code } = error as { errcode?: number; code?: string };
  if (code !== "ERR_SQLITE_ERROR") {
    // Node's own errors tell of values that we did not write (an integer out of range).
    return code?.startsWith("ERR_") ? "damage" : "unusable";
  }
  const extended = errcode ??
    BY_TEXT.find(([text]) => text.test(error.message))?.[1] ?? 0;
  if (extended === IOERR_SHORT_READ) return "damage";
  switch (extended & 0xff) {
    case BUSY:
    case LOCKED:
    case PROTOCOL:
    case SCHEMA:
      return "busy";
    case PERM:
    case NOMEM:
    case READONLY:
    case IOERR:
    case FULL:
    case CANTOPEN:
    case CONSTRAINT:
    case MISMATCH:
    case MISUSE:
    case RANGE:
      return "unusable";
    default:
      return "damage";
  }
}

/** Whether an error of the system says that nothing may be written there. */
export function isWriteRefusal(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotCapable ||
    error instanceof Error && (error as { code?: string }).code === "EROFS";
}

/** Whether an error of the system says that a disk, or somebody's share of it, is full. */
export function isFull(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return code === "ENOSPC" || code === "EDQUOT";
}

/** Writes what a full disk has no room for only once something was deleted. */
export function unlessFull(write: () => void): void {
  try {
    write();
  } catch (error) {
    if (!isFull(error)) throw error;
  }
}

/** The cause and, where a permission is missing, its cure, for a warning. */
export function causeOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
