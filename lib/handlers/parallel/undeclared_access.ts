/**
 * What a job must declare, told from how Deno has refused it.
 *
 * @module
 */

import { HitherError, UndeclaredAccessError } from "../../errors.ts";
import { asDeclaration } from "../../permissions.ts";

/** Deno's refusals, also those inside of a failed import. */
const REFUSAL =
  /^Requires (read|write|net|env|run|sys|ffi|import) access(?: to (.+?))?, run again with/s;

/** That of calls which work with whole permissions only. */
const UNSCOPED = /requires unscoped --allow-read and --allow-write/;

/**
 * The error for a job that failed as it wanted what it may not do; `undefined` if
 * that is not why. The user's own errors around that of Deno stay as they are.
 */
export function undeclaredAccessError(
  who: string,
  error: unknown,
): UndeclaredAccessError | undefined {
  let refusal = error;
  while (refusal instanceof HitherError) {
    if (refusal instanceof UndeclaredAccessError) return undefined;
    refusal = refusal.cause;
  }
  if (!(refusal instanceof Error)) return undefined;
  // Deno throws a TypeError where an import is refused.
  const isImport = refusal.name === "TypeError";
  if (refusal.name !== "NotCapable" && !isImport) return undefined;
  const { message } = refusal;
  const [, name, target] = REFUSAL.exec(message) ?? [];
  if (name === undefined) {
    if (!UNSCOPED.test(message)) return undefined;
    return errorFor(who, message, { read: true, write: true }, error);
  }
  // What is not in quotes is no name: <TMP>, or nothing at all.
  const item = /^"(.*)"$/s.exec(target ?? "")?.[1];
  const declare = { [name]: item === undefined ? true as const : [item] };
  const what = `It requires ${name} access${target ? ` to ${target}` : ""}`;
  return errorFor(who, what, declare, error);
}

function errorFor(
  who: string,
  what: string,
  declare: Readonly<Record<string, true | readonly string[]>>,
  cause: unknown,
): UndeclaredAccessError {
  return new UndeclaredAccessError(
    `Cannot let ${who} do what its permissions do not allow. ${what}: declare ${
      asDeclaration(declare)
    } if it is meant to`,
    declare,
    { cause },
  );
}
