/**
 * The parser for functions without a module, loaded while hither itself is
 * imported, because a definition is synchronous. A program that has a main
 * module of its own does not load it.
 *
 * @module
 */

import { isMadeUp } from "./call_site.ts";
import type { FreeVariable } from "./free_variables.ts";

/** `freeVariables`, or `undefined` where every function has a module. */
export const freeVariables: ((source: string) => FreeVariable[]) | undefined =
  isMadeUp(Deno.mainModule)
    ? (await import("./free_variables.ts")).freeVariables
    : undefined;
