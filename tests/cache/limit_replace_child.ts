/**
 * A program of its own that computes a few jobs over and over, each time with a result
 * of another length, so that what it stores replaces what others have just stored.
 */

import * as hi from "../../mod.ts";

const [path = "", count] = Deno.args;

const other = hi.func(
  "limit_replaced",
  "1",
  (_n: number) => ".".repeat(Math.random() < 0.5 ? 10 : 30_000),
  { forceRun: true },
);

await using jobCache = new hi.JobCache({ path, layout: "files" });
await hi.config({ jobCache }, async () => {
  for (let n = 0; n < Number(count); n++) await other.run(n % 2);
});
