/** Counts the rows of a database that `limit_store.ts` filled, or reads them all (VERB); prints the ms. */

import { DatabaseSync } from "node:sqlite";

const [verb, file = ""] = Deno.args;
const db = new DatabaseSync(file, { readOnly: true });
const start = performance.now();
if (verb === "count") db.prepare("SELECT count(*) FROM record").get();
else {
  let bytes = 0;
  for (const row of db.prepare("SELECT key, value FROM record").iterate()) {
    bytes += (row.value as Uint8Array).length;
  }
  if (bytes === 0) throw new Error("there are no rows");
}
console.log(performance.now() - start);
db.close();
