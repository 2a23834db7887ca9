/**
 * A program of its own whose results are a large part of the limit of its cache, so that
 * often none is left that may go.
 */

import * as hi from "../../mod.ts";

const [path = "", maxSize, who = "", count] = Deno.args;

const large = hi.func("limit_part", "1", (who: string, n: number) => {
  const bytes = new Uint8Array(n % 2 === 0 ? 90_000 : 300_000);
  bytes.set(new TextEncoder().encode(`${who} ${n}`));
  return bytes;
});

await using jobCache = new hi.JobCache({
  path,
  layout: "files",
  maxSize: Number(maxSize),
});
await hi.config({ jobCache }, async () => {
  for (let n = 0; n < Number(count); n++) await large.run(who, n);
});
