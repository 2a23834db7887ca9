/**
 * What every peer in JavaScript does, as its arguments say:
 *
 *     fill FOLDER COUNT     COUNT misses, computed and stored; prints the µs for each
 *     hit FOLDER COUNT      the same again, all of them hits; prints the µs for each
 *     store FOLDER BYTES    a large Float64Array, computed and stored
 *     load FOLDER BYTES     the same again; prints the ms
 */

import { argv, env } from "node:process";
import { pathToFileURL } from "node:url";

/** Imports a package from the folder where the peers were installed. */
export async function installed(name) {
  const { href } = pathToFileURL(`${env.HITHER_PEERS}/import_${name}.mjs`);
  return (await import(href)).it.default;
}

/** `open(folder, name, fn)` returns `fn` with a cache before it. */
export async function drive(open) {
  const [, , verb, folder, number] = argv;
  let calls = 0;
  const large = verb === "store" || verb === "load";
  const fn = large
    ? ({ length }) => (calls++, new Float64Array(length).map((_, i) => i))
    : ({ x }) => (calls++, x * x);
  const call = await open(folder, large ? "ramp" : "square", fn);
  const start = performance.now();
  if (large) {
    const length = Number(number) / 8;
    const result = await call({ length });
    const time = performance.now() - start;
    if (result[length - 1] !== length - 1) throw new Error("a wrong result");
    console.log(time);
  } else {
    const count = Number(number);
    for (let x = 0; x < count; x++) {
      if (await call({ x }) !== x * x) throw new Error("a wrong result");
    }
    console.log((performance.now() - start) * 1_000 / count);
  }
  const misses = verb === "fill" ? Number(number) : verb === "store" ? 1 : 0;
  if (calls !== misses) throw new Error(`${calls} misses, not ${misses}`);
}
