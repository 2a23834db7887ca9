/**
 * What Deno lets a cache do. Asked, never prompted for.
 *
 * @module
 */

/** The cause and the cure if permissions on a folder are missing: all of them at once. */
export function missingPermissions(
  names: readonly ("read" | "write")[],
  path: string,
): string | undefined {
  const missing = names.filter((name) =>
    Deno.permissions.querySync({ name, path }).state !== "granted"
  );
  if (missing.length === 0) return undefined;
  const flags = missing.map((name) => `--allow-${name}=${path}`);
  return `${missing.join(" and ")} access is not granted: add ${
    flags.join(" ")
  }`;
}
