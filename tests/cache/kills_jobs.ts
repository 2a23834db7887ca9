/** The jobs of the programs that are killed: results of all sizes, many of them with the same blobs. */

import * as hi from "../../mod.ts";

/** What kinds of results there are. */
export const KINDS = ["small", "text", "array", "file"] as const;

/** A kind of result. */
export type Kind = typeof KINDS[number];

/** A text that is long enough for a blob; few numbers have one of their own. */
function longText(n: number): string {
  return `${n % 23} is long. `.repeat(7_000);
}

/** The functions. */
export const make = {
  small: hi.func("kills_small", "1", (n: number, _: string) => `small ${n}`),
  text: hi.func("kills_text", "1", (n: number, _: string) => longText(n)),
  array: hi.func(
    "kills_array",
    "1",
    (n: number, _: string) => new Float64Array(9_000).fill(n % 29),
  ),
  file: hi.func("kills_file", "1", (n: number, folder: string) => {
    const path = `${folder}/${n}`;
    const draft = `${path}.${crypto.randomUUID()}`;
    Deno.writeTextFileSync(draft, `file ${n % 31}\n`.repeat(100));
    Deno.renameSync(draft, path);
    return hi.file(path);
  }),
};

/** A result as text. */
export function textOf(value: unknown): string {
  if (value instanceof hi.FileReference) return value.text();
  return value instanceof Float64Array
    ? `${value.length} × ${[...new Set(value)]}`
    : String(value);
}

/** What a result must be, as text. */
export function expected(kind: Kind, n: number): string {
  switch (kind) {
    case "small":
      return `small ${n}`;
    case "text":
      return longText(n);
    case "array":
      return `9000 × ${n % 29}`;
    case "file":
      return `file ${n % 31}\n`.repeat(100);
  }
}
