/**
 * Does VERB (stats, gc, verify) to the cache in FOLDER; prints the ms. `gc` deletes
 * records until the cache takes no more than BYTES, if that is given.
 */

import * as hi from "@hither/hither";

const [verb, path, bytes] = Deno.args;
await using jobCache = new hi.JobCache({ path });
const maxSize = bytes === undefined ? undefined : Number(bytes);
const start = performance.now();
if (verb === "stats") jobCache.stats();
else if (verb === "gc") await jobCache.gc({ maxSize });
else {
  const { badRecords } = await jobCache.verify();
  if (badRecords > 0) throw new Error("a record is damaged");
}
console.log(performance.now() - start);
