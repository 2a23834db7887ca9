/**
 * How a worker imports the user's modules without permission to read them.
 *
 * Deno lets a program read what it names in its own text: static imports, and `import("…")` of
 * a text. So the worker begins with a module of one page that names its entry point and what the
 * Tasks need, which is not evaluated before they ask for it: then the permissions are those of the jobs.
 *
 * @module
 */

/** The URL of a module that begins as `entry` does and may import `imports` later. */
export function sandboxEntry(entry: URL, imports: readonly string[]): URL {
  const named = imports.map((specifier) =>
    `() => import(${JSON.stringify(specifier)})`
  );
  const text = `import ${JSON.stringify(entry.href)};\nexport default [${
    named.join(", ")
  }];\n`;
  return new URL(`data:text/javascript,${encodeURIComponent(text)}`);
}

/** What a process with permissions of its own is told when it begins. */
export interface ProcessSandbox {
  /** What its Tasks import. */
  readonly imports: readonly string[];
  /** What it had to be permitted to begin, and gives back before anything else. */
  readonly drop: readonly Deno.PermissionDescriptor[];
}
