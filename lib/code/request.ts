/**
 * What is asked of the process that takes a snapshot.
 *
 * @module
 */

/** The code whose snapshot is wanted, and how the program was started. */
export interface SnapshotRequest {
  /** URL of the function's module; `undefined` if there is none. */
  readonly root: string | undefined;
  /** The text of a function that no module holds. */
  readonly source: string | undefined;
  /** The specifiers that such a function imports. */
  readonly imports: readonly string[];
  /** URL of the program's main module. */
  readonly main: string;
  /** The program's process. */
  readonly pid: number;
  /** How many arguments the program was given, which stand behind the flags of Deno. */
  readonly argCount: number;
  /** Flags of Deno that were given as an option. */
  readonly denoArgs: readonly string[];
  /** The version of hither. */
  readonly hither: string;
  /** The version of Deno that the program runs with. */
  readonly deno: string;
  /** The question in one text, to be found in the memo. */
  readonly asked: string;
  /** Path of an earlier memo, if there is one: its fingerprints are of use. */
  readonly memo: string;
  /** Whether memos may be written and deleted. */
  readonly isWritable: boolean;
}
