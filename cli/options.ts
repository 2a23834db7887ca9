/**
 * Options whose values are looked at as they are read, before anything is done.
 *
 * @module
 */

import { Option } from "npm:@commander-js/extra-typings@^15";
import { UsageError } from "./errors.ts";

/** An option with a text, which may not be empty: an unset variable of a shell gives such a one. */
// deno-lint-ignore explicit-function-return-type
export function textOption<const Flags extends string>(
  flags: Flags,
  description: string,
) {
  return new Option(flags, description).argParser((value: string) => {
    if (value !== "") return value;
    throw new UsageError(
      `Cannot take "" as the value of ${
        flags.split(" ", 1)
      } as it must not be empty: leave the option out, or look whether a variable of the shell is unset`,
    );
  });
}

/** An option with a number, which another option is not, where the number was forgotten. */
// deno-lint-ignore explicit-function-return-type
export function measureOption<const Flags extends string>(
  flags: Flags,
  description: string,
) {
  return new Option(flags, description).argParser((value: string) => {
    if (!value.startsWith("--")) return value;
    throw new UsageError(
      `Cannot take ${value} as the value of ${
        flags.split(" ", 1)
      }: write a value after it`,
    );
  });
}
