/**
 * The functions that this isolate has defined, by name and version: the one
 * piece of global state.
 *
 * @module
 */

import { DuplicateFunctionError } from "./errors.ts";
import type { CodeReference } from "./task.ts";

/** A function as it was defined. */
export interface FunctionDefinition {
  readonly name: string;
  readonly version: string;
  readonly fn: (...args: never[]) => unknown;
  /** Where a worker finds the code. */
  readonly code: CodeReference;
  /** Where it was defined, for messages: a module's URL with line and column, or a notebook cell. */
  readonly place: string;
  /** Whether a later definition may take its place: a notebook cell is run again. */
  readonly replaceable: boolean;
  /** When it was defined, in ms since the epoch: its module had been loaded by then. */
  readonly definedAt: number;
  /** What its user sorts its records by; empty if there is nothing. */
  readonly label: string;
  /** SHA-256 of its text, 64 hexadecimal digits, where that is not at hand. */
  readonly source?: string;
}

const byName = new Map<string, Map<string, FunctionDefinition>>();

/**
 * Adds a definition.
 *
 * @throws {DuplicateFunctionError} if its name and version are taken.
 */
export function register<D extends FunctionDefinition>(definition: D): void {
  const { name, version, place } = definition;
  let versions = byName.get(name);
  if (versions === undefined) byName.set(name, versions = new Map());
  const earlier = versions.get(version);
  if (
    earlier !== undefined && !(earlier.replaceable && definition.replaceable)
  ) {
    throw new DuplicateFunctionError(
      `Cannot define ${name} ${version} at ${place} as it is defined at ${earlier.place}: give it another name or version`,
    );
  }
  // The latest definition comes last, which is the one that `run` by name takes.
  versions.delete(version);
  versions.set(version, definition);
}

const borrowed = new Map<string, FunctionDefinition>();

/** A function that a worker has defined and this isolate has not: the same one for the same `id`. */
export function borrowedFunction(
  id: string,
  make: () => FunctionDefinition,
): FunctionDefinition {
  let definition = borrowed.get(id);
  if (definition === undefined) borrowed.set(id, definition = make());
  return definition;
}

/** The definition of a name and version. */
export function findFunction(
  name: string,
  version: string,
): FunctionDefinition | undefined {
  return byName.get(name)?.get(version);
}

/** The latest definition of a name. */
export function findLatest(name: string): FunctionDefinition | undefined {
  return [...byName.get(name)?.values() ?? []].at(-1);
}

/** The names that are defined, for messages. */
export function definedNames(): string[] {
  return [...byName.keys()];
}
