/**
 * What Deno lets a cache do. Asked, never prompted for.
 *
 * @module
 */

/** The cause and the cure if a permission on a folder is missing. */
export function missingPermission(
  name: "read" | "write",
  path: string,
): string | undefined {
  const { state } = Deno.permissions.querySync({ name, path });
  if (state === "granted") return undefined;
  return `${name} access is not granted: add --allow-${name}=${path}`;
}
