/**
 * The snapshot of a function's code: its module and all that it imports, by
 * content. It is kept as JSON text beside the records that it made.
 *
 * @module
 */

/** A module or package by name, and what tells its code from other code: a fingerprint, or a version. */
export type Modules = Readonly<Record<string, string>>;

/** What a snapshot says of a module that could not be found or read. */
export const UNKNOWN = "unknown";

/** The name under which hither itself stands in a snapshot. */
export const HITHER = "@hither/hither";

const FORMAT = 1;

/** The text of a snapshot: the same for the same modules. */
export function snapshotText(modules: ReadonlyMap<string, string>): string {
  const sorted = [...modules].sort(([a], [b]) => a < b ? -1 : 1);
  return JSON.stringify([FORMAT, Object.fromEntries(sorted)]);
}

/** The modules of a snapshot; `undefined` if its text is none of ours. */
export function modulesOf(text: string): Modules | undefined {
  try {
    const [format, modules] = JSON.parse(text);
    const isOurs = format === FORMAT && typeof modules === "object" &&
      modules !== null &&
      Object.values(modules).every((value) => typeof value === "string");
    return isOurs ? modules : undefined;
  } catch {
    return undefined;
  }
}

/** What differs between two snapshots, as `./stats.ts changed` and `npm:ms 2.1.2 -> 2.1.3`. */
export function changesBetween(stored: Modules, now: Modules): string[] {
  const changes: string[] = [];
  for (const [name, value] of Object.entries(now)) {
    const before = Object.hasOwn(stored, name) ? stored[name] : undefined;
    if (before === undefined) changes.push(`${name} added`);
    else if (before !== value) changes.push(change(name, before, value));
  }
  for (const name of Object.keys(stored)) {
    if (!Object.hasOwn(now, name)) changes.push(`${name} gone`);
  }
  return changes;
}

function change(name: string, before: string, now: string): string {
  return isFingerprint(before) || isFingerprint(now)
    ? `${name} changed`
    : `${name} ${before} \u2192 ${now}`;
}

function isFingerprint(value: string): boolean {
  return value === UNKNOWN || /^[0-9a-f]{64}$/.test(value);
}

/** The first three of some changes, and how many more there are. */
export function listed(changes: readonly string[]): string {
  const more = changes.length - 3;
  const first = changes.slice(0, 3).join(", ");
  return more > 0 ? `${first} and ${more} more` : first;
}
