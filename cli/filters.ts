/**
 * The options that choose records, shared by the commands that take several.
 *
 * @module
 */

import { Option } from "npm:@commander-js/extra-typings@^15";
import type { RecordFilter } from "../lib/cache/report.ts";
import type { JobCache } from "../mod.ts";
import { textOption } from "./options.ts";
import type { Session } from "./session.ts";

/** The options themselves. */
export const Filter = {
  FUNCTION: textOption("--function <name>", "only those of this function"),
  VERSION: textOption("--version-of <version>", "only this version of it"),
  LABEL: textOption("--label <label>", "only functions with this label"),
  FAILED: new Option("--failed", "only those that ended with an error"),
} as const;

/** What the options of a command say. */
export interface FilterOptions {
  readonly function?: string | undefined;
  readonly versionOf?: string | undefined;
  readonly label?: string | undefined;
  readonly failed?: boolean | undefined;
}

/** Whether anything is chosen. */
export function isFiltered(options: FilterOptions): boolean {
  return Object.keys(filterOf(options)).length > 0;
}

/** Says why a list is empty, to whoever may have mistyped a name. */
export async function tellNone(
  session: Session,
  cache: JobCache,
  options: FilterOptions,
): Promise<void> {
  await session.requireUsable();
  const which = isFiltered(options) ? "such record" : "record";
  console.error(`hither: no ${which} in ${cache.path}`);
}

/** The filter that options stand for. */
export function filterOf(
  { function: name, versionOf: version, label, failed }: FilterOptions,
): RecordFilter {
  return {
    ...name !== undefined && { name },
    ...version !== undefined && { version },
    ...label !== undefined && { label },
    ...failed && { status: "error" },
  };
}
