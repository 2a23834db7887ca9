/**
 * A program of its own that stores in a cache with a limit: small records, some of tens
 * of KB, some with blobs. Prints a line from time to time.
 */

import * as hi from "../../mod.ts";
import type { Layout } from "../../lib/cache/folder.ts";

const [layout, path = "", maxSize, who = "", count] = Deno.args;

const small = hi.func(
  "limit_small",
  "1",
  (who: string, n: number, length: number) => `${who} ${n}`.padEnd(length, "."),
);
const large = hi.func(
  "limit_large",
  "1",
  (who: string, n: number) =>
    new Uint8Array(80_000).fill(n).fill(Number(who), 0, 9),
);

await using jobCache = new hi.JobCache({
  path,
  layout: layout as Layout,
  maxSize: Number(maxSize),
});
await hi.config({ jobCache }, async () => {
  for (let n = 0; n < Number(count); n++) {
    await small.run(who, n, n % 10 === 0 ? 30_000 : 40 * (n % 50));
    if (n % 40 === 7) await large.run(who, n / 40);
    if (n % 20 === 19) console.log(n);
  }
});
