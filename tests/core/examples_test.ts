// Every example runs, says what it promises, and stays short.
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { deno, ROOT, stdArguments, temporaryFolder } from "../house/run.ts";

async function example(name: string, cache: string, ...args: string[]) {
  const ended = await deno([
    "run",
    "-A",
    "--no-check",
    ...stdArguments(),
    `${ROOT}/examples/${name}`,
    ...args,
  ], {
    env: { HITHER_CACHE_DIR: cache },
  });
  assertEquals(ended.code, 0, ended.stderr);
  assertEquals(ended.stderr, "");
  return ended.stdout;
}

Deno.test("examples are under 60 lines", async () => {
  let seen = 0;
  for await (const { name } of Deno.readDir(`${ROOT}/examples`)) {
    const text = await Deno.readTextFile(`${ROOT}/examples/${name}`);
    assert(text.split("\n").length <= 60, name);
    seen++;
  }
  assert(seen >= 4);
});

Deno.test("parallel.ts prints the squares", async () => {
  await using folder = await temporaryFolder();
  const text = await example("parallel.ts", folder.path);
  assertMatch(
    text,
    /^Results: \[ 0, 1, 4, 9, 16, 25, 36, 49 \]\nElapsed time: [\d.]+ sec\n$/,
  );
});

Deno.test("cache.ts computes nothing the second time", async () => {
  await using folder = await temporaryFolder();
  assertStringIncludes(
    await example("cache.ts", folder.path),
    "0 of 8 jobs were in the cache",
  );
  const text = await example("cache.ts", folder.path);
  assertStringIncludes(text, "[ 0, 1, 4, 9, 16, 25, 36, 49 ]");
  assertStringIncludes(text, "8 of 8 jobs were in the cache");
});

Deno.test("nested.ts counts primes in jobs of jobs, each once", async () => {
  await using folder = await temporaryFolder();
  const primes = "7837 primes below 80,000\n14683 primes below 160,000\n";
  assertEquals(
    await example("nested.ts", folder.path),
    `${primes}1 of 48 jobs were in the cache\n`,
  );
  assertEquals(
    await example("nested.ts", folder.path),
    `${primes}2 of 2 jobs were in the cache\n`,
  );
});

Deno.test("pipeline.ts prints the means", async () => {
  await using folder = await temporaryFolder();
  const text = await example("pipeline.ts", folder.path);
  assertEquals(text.match(/seed \d: 0\.\d{4}/g)?.length, 4);
  assertEquals(await example("pipeline.ts", folder.path), text);
});

Deno.test("code_stats.ts runs again what changed, and only that", async () => {
  await using folder = await temporaryFolder({
    "data/a.ts": "one two\nthree\n",
    "data/b/c.md": "four\n",
    "data/b/d.txt": "five six\n",
  });
  const cache = `${folder.path}/cache`;
  const data = `${folder.path}/data`;
  const cold = await example("code_stats.ts", cache, data);
  assertStringIncludes(cold, "files: 3, lines: 4, words: 6");
  assertStringIncludes(cold, "Computed 4 of 4 jobs");
  assertStringIncludes(
    await example("code_stats.ts", cache, data),
    "Nothing to compute",
  );

  await Deno.utime(`${data}/a.ts`, new Date(0), new Date(0));
  assertStringIncludes(
    await example("code_stats.ts", cache, data),
    "Nothing to compute",
  );

  await Deno.writeTextFile(`${data}/b/c.md`, "four and more\n");
  const edited = await example("code_stats.ts", cache, data);
  assertStringIncludes(edited, "words: 8");
  assertStringIncludes(edited, "Computed 2 of 4 jobs");
});

Deno.test("transfer.ts smooths an array that it gives away and gets back", async () => {
  await using folder = await temporaryFolder();
  // 0 becomes 2/3 and then 4/9, 1 becomes 1/3 and then 5/9.
  assertEquals(
    await example("transfer.ts", folder.path, "2"),
    `2 passes: ${(4 / 9).toFixed(3)}, ${(5 / 9).toFixed(3)}\n`,
  );
});

Deno.test("share.ts finds the rows that are most alike in a table that all jobs look at", async () => {
  await using folder = await temporaryFolder();
  // The same, one row after the other.
  const table = Array.from(
    { length: 40 * 100 },
    (_, i) => (i * i * 7_919) % 10_007,
  );
  let least = Infinity;
  for (let one = 0; one < 40; one++) {
    for (let other = 0; other < one; other++) {
      let sum = 0;
      for (let i = 0; i < 100; i++) {
        sum += (table[100 * one + i]! - table[100 * other + i]!) ** 2;
      }
      least = Math.min(least, sum);
    }
  }
  assertStringIncludes(
    await example("share.ts", folder.path, "40"),
    `: ${Math.sqrt(least).toFixed(1)}\n`,
  );
});

Deno.test("layers.ts computes once, and reads the rest through a server", async () => {
  await using folder = await temporaryFolder();
  assertEquals(
    await example("layers.ts", folder.path),
    "computed 1, published 1\n303 primes, computed 1\n" +
      "layers_primes 1: its outcome was in the upstream cache URL\n",
  );
});

Deno.test("files.ts restores its file and computes what changed", async () => {
  await using folder = await temporaryFolder({
    "docs/a.md": "one two one\n",
    "docs/b/c.md": "one three\n",
  });
  const csv = `${folder.path}/out/words.csv`;
  const run = async () => {
    const { code, stdout, stderr } = await deno(
      [
        "run",
        "-A",
        "--no-check",
        ...stdArguments(),
        `${ROOT}/examples/files.ts`,
      ],
      { cwd: folder.path, env: { HITHER_CACHE_DIR: `${folder.path}/cache` } },
    );
    assertEquals([code, stderr], [0, ""]);
    return stdout;
  };
  assertStringIncludes(await run(), "one,3\nthree,1\ntwo,1\nComputed");
  await Deno.remove(csv);
  assertStringIncludes(await run(), "Taken from the cache");
  assertEquals(
    await Deno.readTextFile(csv),
    "word,count\none,3\nthree,1\ntwo,1\n",
  );
  await Deno.writeTextFile(`${folder.path}/docs/a.md`, "two\n");
  assertStringIncludes(await run(), "one,1\nthree,1\ntwo,1\nComputed");
});

Deno.test("scheduling.ts tries again, keeps to its limit and leaves an endless stream", async () => {
  await using folder = await temporaryFolder();
  assertEquals(
    await example("scheduling.ts", folder.path),
    "Words on the covers: [ 3, 2, 1 ]\nLicences in use, at most: 2\nWords: 52\npage 99 has 3 words after 2 attempts\n",
  );
});

Deno.test("sandbox.ts reads what it declares, again when that has changed, and nothing else", async () => {
  await using folder = await temporaryFolder({ "a.txt": "a longer word" });
  const path = `${folder.path}/a.txt`;
  const run = () => example("sandbox.ts", `${folder.path}/cache`, path);
  const refused = 'To be declared: { read: [ "/etc/passwd" ] }\n';
  assertStringIncludes(await run(), "Longest word: longer\nComputed\n");
  assertEquals(
    await run(),
    `Longest word: longer\nTaken from the cache\n${refused}`,
  );
  await Deno.writeTextFile(path, "another");
  const text = await run();
  assertStringIncludes(text, "Longest word: another\nComputed\n");
  assertStringIncludes(
    text,
    `permissions.read[${JSON.stringify(path)}] changed\n${refused}`,
  );
});
