/**
 * The parser for functions without a module, loaded while hither itself is
 * imported, because a definition is synchronous. A program that has a main
 * module of its own does not load it.
 *
 * @module
 */

import { isMadeUp } from "./call_site.ts";
import type * as FreeVariables from "./free_variables.ts";
import type { FreeVariable } from "./free_variables.ts";

/** `freeVariables`, or `undefined` where every function has a module, or there can be no workers. */
export const freeVariables: ((source: string) => FreeVariable[]) | undefined =
  isMadeUp(Deno.mainModule) ? await load() : undefined;

async function load(): Promise<typeof freeVariables> {
  // In a variable: what a program may import by name, Deno reads before the program
  // starts, and with this one come six packages.
  const url = new URL("./free_variables.ts", import.meta.url).href;
  try {
    return ((await import(url)) as typeof FreeVariables).freeVariables;
  } catch {
    // Where it may not be read, or cannot be had, no worker can start, whose names
    // are all that it is for.
    return undefined;
  }
}
