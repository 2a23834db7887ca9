/**
 * What every pool in JavaScript does, as its arguments say. Each verb but `naps`
 * prints one number:
 *
 *     dispatch VARIANT COUNT         COUNT trivial jobs at once; the µs for each
 *     sequential VARIANT COUNT       one after the other; the µs for each
 *     cpu VARIANT COUNT              COUNT jobs of 50 ms; how many times faster than in this thread
 *     naps VARIANT COUNT             COUNT jobs that block for 1 s, on 4 workers
 *     transfer VARIANT BYTES         a Float64Array there, another back; the ms
 *     shared VARIANT COUNT BYTES     COUNT jobs that take the same array; the ms
 *     memory VARIANT COUNT BYTES     the same, but before it asks on stdout and waits for a line on stdin
 *
 * There are 2 workers where nothing else is said. VARIANT is a way of using the
 * pool, `plain` for the usual one.
 */

import { argv, env, exit, stdin } from "node:process";
import { once } from "node:events";
import { pathToFileURL } from "node:url";
import { burn } from "./tasks.mjs";

/** How long a script may take, in ms: a pool that hangs is left out. */
const PATIENCE = 600_000;
const PASSES = 3;
/** So many steps of `burn` are compiled well, and take some 10 ms. */
const STEPS = 10_000_000;

/** Imports a package from the folder where the peers were installed. */
export async function installed(name) {
  const { href } = pathToFileURL(`${env.HITHER_PEERS}/import_${name}.mjs`);
  return (await import(href)).it;
}

/**
 * `open(workers, variant)` returns a pool:
 *
 * - `run(task, argument)`: a promise of what a function of tasks.mjs returns
 * - `all(task, arguments)`: of an array, if the pool has its own way to that
 * - `close()`
 */
export async function drive(open) {
  const [, , verb, variant, ...numbers] = argv;
  const watchdog = setTimeout(() => {
    console.error(`not done after ${PATIENCE} ms`);
    exit(1);
  }, PATIENCE);
  const pool = await open(workersFor(verb), variant);
  const all = pool.all ??
    ((task, items) => Promise.all(items.map((item) => pool.run(task, item))));
  const number = await verbs[verb]({ ...pool, all }, ...numbers.map(Number));
  if (number !== undefined) console.log(number);
  await pool.close();
  clearTimeout(watchdog);
}

function workersFor(verb) {
  return verb === "naps" ? 4 : verb === "transfer" ? 1 : 2;
}

const verbs = {
  async dispatch(pool, count) {
    const items = range(count);
    const times = await passes(async () => {
      const start = performance.now();
      const results = await pool.all("square", items);
      const time = performance.now() - start;
      check(results.length === count && results.every((y, x) => y === x * x));
      return time;
    });
    return median(times) * 1_000 / count;
  },

  async sequential(pool, count) {
    const times = await passes(async () => {
      const start = performance.now();
      for (let x = 0; x < count; x++) {
        check(await pool.run("square", x) === x * x);
      }
      return performance.now() - start;
    });
    return median(times) * 1_000 / count;
  },

  async cpu(pool, count) {
    // Both are compiled before they are timed.
    await pool.all("burn", [STEPS, STEPS + 1]);
    burn(STEPS);
    const times = range(PASSES).map(() => timed(() => burn(STEPS)));
    const least = Math.round(50 * STEPS / Math.min(...times));
    const lengths = range(count).map((i) => least + i);
    let expected;
    const serial = timed(() => expected = lengths.map(burn));
    const start = performance.now();
    const results = await pool.all("burn", lengths);
    const parallel = performance.now() - start;
    check(results.join() === expected.join());
    return serial / parallel;
  },

  async naps(pool, count) {
    // Each of its own length, as jobs that are the same are one job to hither.
    const naps = range(count).map((i) => 1_000 + i / 1_000);
    check((await pool.all("nap", naps)).join() === naps.join());
  },

  async transfer(pool, bytes) {
    const times = await passes(async (pass) => {
      // A new one each time, as a pool may remember those that it has sent.
      const array = new Float64Array(bytes / 8).fill(pass);
      const start = performance.now();
      const result = await pool.run("doubled", array);
      const time = performance.now() - start;
      check(result.length === bytes / 8 && result.at(-1) === 2 * pass);
      return time;
    });
    return median(times);
  },

  async shared(pool, count, bytes) {
    await warmUp(pool);
    return await share(pool, count, ones(bytes));
  },

  async memory(pool, count, bytes) {
    await warmUp(pool);
    const array = ones(bytes);
    console.log("ready");
    await once(stdin, "data");
    stdin.pause();
    return await share(pool, count, array);
  },
};

function timed(work) {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** A pass that does not count, and some that do. */
async function passes(pass) {
  await pass(1);
  const times = [];
  for (let i = 0; i < PASSES; i++) times.push(await pass(i + 2));
  return times;
}

/** Has both workers started and the function loaded. */
async function warmUp(pool) {
  await pool.all("nap", range(8).map((i) => 50 + i));
  const array = ones(8_000);
  await pool.all("touched", range(8).map((i) => ({ array, i })));
}

async function share(pool, count, array) {
  const start = performance.now();
  const results = await pool.all(
    "touched",
    range(count).map((i) => ({ array, i })),
  );
  const time = performance.now() - start;
  const pages = Math.ceil(array.length / 512);
  check(results.length === count && results.every((y, i) => y === pages + i));
  return time;
}

const ones = (bytes) => new Float64Array(bytes / 8).fill(1);

const range = (length) => Array.from({ length }, (_, i) => i);

const median = (times) => times.toSorted((a, b) => a - b)[times.length >> 1];

function check(right) {
  if (!right) throw new Error("a wrong result");
}
