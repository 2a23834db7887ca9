/**
 * Writes `vectors.json`: adds what is new. To change what is pinned, raise `FORMAT_VERSION`
 * in `lib/value/format.ts` first, so that no cache is read with other eyes.
 *
 *     deno run -A tools/deno.ts run -A tests/golden/write_vectors.ts
 */

import { computed, pin, pinned } from "./vectors.ts";

if (import.meta.main) {
  const [before, now] = [pinned(), computed()];
  const fresh = new Map(
    now.vectors.map((vector) => [vector.name, JSON.stringify(vector)]),
  );
  const changed = before === undefined || before.format < now.format
    ? []
    : before.vectors.filter((vector) =>
      fresh.get(vector.name) !== JSON.stringify(vector)
    );
  if (changed.length > 0) {
    console.error(
      `Cannot change what is pinned as the format version is still ${now.format}: ${
        changed.map(({ name }) => name).join(", ")
      } would change or go`,
    );
    Deno.exit(1);
  }
  pin(now);
  console.log(
    `${now.vectors.length} values are pinned for format ${now.format}`,
  );
}
