/** SHA-256 over an array of BYTES; prints the ms. */

import { createHash } from "node:crypto";

const [bytes] = Deno.args;
const array = new Float64Array(Number(bytes) / 8).map((_, i) => i);
const view = new Uint8Array(array.buffer);
createHash("sha256").update(view.subarray(0, 800_000)).digest();
const start = performance.now();
createHash("sha256").update(view).digest();
console.log(performance.now() - start);
