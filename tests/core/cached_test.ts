// Jobs with a cache: what is a hit, what is kept, what a record tells.
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import * as hi from "../../mod.ts";
import { deno, stdArguments, temporaryFolder } from "../house/run.ts";

let calls: string[] = [];
const square = hi.func("cached_square", "1", (x: number) => {
  calls.push(`square ${x}`);
  return x * x;
});
const sign = hi.func("cached_sign", "1", (x: number) => {
  calls.push(`sign ${x}`);
  return Math.sign(x);
});
const describe = hi.func("cached_describe", "1", (x: { sign: number }) => {
  calls.push(`describe ${x.sign}`);
  return `sign ${x.sign}`;
});
const fails = hi.func("cached_fails", "1", (x: number): number => {
  calls.push(`fails ${x}`);
  console.error("about to fail");
  throw new RangeError("no", { cause: { code: x } });
});
const big = hi.func("cached_big", "1", (n: number) => {
  calls.push(`big ${n}`);
  return new Float64Array(n).map((_, i) => i);
});
const first = hi.func("cached_first", "1", (array: Float64Array) => {
  calls.push("first");
  return array[1]!;
});

/** Runs `body` with a cache in a folder of its own, and forgets earlier calls. */
async function withCache(
  body: (jobCache: hi.JobCache, path: string) => Promise<void>,
): Promise<void> {
  await using folder = await temporaryFolder();
  await using jobCache = new hi.JobCache({ path: `${folder.path}/cache` });
  calls = [];
  await hi.config({ jobCache }, () => body(jobCache, folder.path));
}

Deno.test("the second run of a job is a hit, also in another JobCache of the folder", () =>
  withCache(async (jobCache) => {
    assertEquals(await square.run(3), 9);
    const job = square.run(3);
    assertEquals(job.status, "finished");
    assertEquals([await job, job.cached], [9, true]);
    await using again = new hi.JobCache({ path: jobCache.path });
    await hi.config({ jobCache: again }, async () => {
      assertEquals(await square.run(3), 9);
    });
    assertEquals(calls, ["square 3"]);
    assertEquals((await hi.wait()).cached, 2);
  }));

Deno.test("forceRun runs the job and stores the new result", () =>
  withCache(async () => {
    let result = 1;
    const changing = hi.func("cached_changing", "1", () => result++);
    assertEquals(await changing.run(), 1);
    assertEquals(await changing.run(), 1);
    assertEquals(await changing.with({ forceRun: true }).run(), 2);
    assertEquals(await changing.run(), 2);
  }));

Deno.test("jobCache: null and cache: false keep nothing", () =>
  withCache(async (jobCache) => {
    await square.with({ jobCache: null }).run(4);
    await square.with({ cache: false }).run(4);
    assertEquals(jobCache.stats().records, 0);
    assertEquals(calls, ["square 4", "square 4"]);
  }));

Deno.test("errors are kept only if cacheFailing says so, with class, message, stack, cause and console", () =>
  withCache(async () => {
    await assertRejects(async () => await fails.run(1), RangeError);
    await assertRejects(async () => await fails.run(1), RangeError);
    assertEquals(calls.length, 2);

    const keeping = fails.with({ cacheFailing: true });
    const fresh = await assertRejects(
      async () => await keeping.run(1),
      RangeError,
      "no",
    );
    const job = keeping.run(1);
    const kept = await assertRejects(async () => await job, RangeError, "no");
    assertEquals(calls.length, 3);
    assertEquals(kept.stack, fresh.stack);
    assertEquals(kept.cause, { code: 1 });
    assertEquals(job.console.map(({ stream, text }) => [stream, text]), [[
      "stderr",
      "about to fail\n",
    ]]);

    // Without the option the stored error does not count.
    await assertRejects(async () => await fails.run(1), RangeError);
    assertEquals(calls.length, 4);
    await assertRejects(
      async () => await keeping.with({ rerunFailing: true }).run(1),
      RangeError,
    );
    assertEquals(calls.length, 5);
    await assertRejects(async () => await keeping.run(1), RangeError);
    assertEquals(calls.length, 5);
  }));

Deno.test("a hit keeps console and timing of the run that made it", () =>
  withCache(async () => {
    const talk = hi.func("cached_talk", "1", () => {
      console.log("a %d", 1);
      console.error("b");
      return 1;
    });
    const run = talk.run();
    await run;
    const hit = talk.run();
    await hit;
    assertEquals(hit.console.map(({ stream, text }) => [stream, text]), [[
      "stdout",
      "a 1\n",
    ], ["stderr", "b\n"]]);
    assertEquals(hit.console, run.console);
    assertEquals(hit.timing, run.timing);
  }));

Deno.test("a stage that gives the same result as before makes the stages behind it hits", () =>
  withCache(async () => {
    await describe.run({ sign: sign.run(square.run(2)) });
    calls = [];
    // Another path to the same sign.
    const job = describe.run({ sign: sign.run(square.run(5)) });
    assertEquals(await job, "sign 1");
    assertEquals(calls, ["square 5", "sign 25"]);
    assertEquals(job.cached, true);
  }));

Deno.test("a pipeline of hits loads no large result in between", () =>
  withCache(async (jobCache) => {
    assertEquals(await first.run(big.run(100_000)), 1);
    // The array is gone; a hit of the last stage does not need it.
    await Deno.remove(`${jobCache.path}/blobs`, { recursive: true });
    calls = [];
    assertEquals(await first.run(big.run(100_000)), 1);
    assertEquals(calls, []);
  }));

Deno.test("a large result that is gone is computed again by await, and for whoever needs it", () =>
  withCache(async (jobCache) => {
    await big.run(100_000);
    calls = [];
    await Deno.remove(`${jobCache.path}/blobs`, { recursive: true });
    const job = big.run(100_000);
    assertEquals((await job)[99_999], 99_999);
    assertEquals(calls, ["big 100000"]);

    await Deno.remove(`${jobCache.path}/blobs`, { recursive: true });
    calls = [];
    assertEquals(await first.run(big.run(100_000)), 1);
    assertEquals(calls, ["big 100000", "first"]);
  }));

Deno.test("a result that is lost while hi.map gives others is computed again, and ends the loop if that fails", () =>
  withCache(async (jobCache) => {
    const lost = () =>
      Deno.remove(`${jobCache.path}/blobs`, { recursive: true });
    let isBroken = false;
    const large = hi.func("cached_map_lost", "1", (n: number) => {
      if (isBroken && n === 70_002) throw new Error(`broken ${n}`);
      return new Float64Array(n).fill(n);
    });
    const items = [70_000, 70_001, 70_002, 70_003];
    await Promise.all(large.map(items));
    const lengths: number[] = [];
    for await (const { length } of hi.map(large, items)) {
      if (lengths.length === 0) await lost();
      lengths.push(length);
    }
    assertEquals(lengths, items);

    isBroken = true;
    lengths.length = 0;
    const results = hi.map(large, items);
    await assertRejects(
      async () => {
        for await (const { length } of results) {
          if (lengths.length === 0) await lost();
          lengths.push(length);
        }
      },
      Error,
      "broken 70002",
    );
    assertEquals(lengths, [70_000, 70_001]);
    assertEquals(await results.next(), { value: undefined, done: true });
  }));

Deno.test("getResult of a lost result says that await runs the job again", () =>
  withCache(async (jobCache) => {
    await big.run(70_000);
    const job = big.run(70_000);
    await hi.wait();
    await Deno.remove(`${jobCache.path}/blobs`, { recursive: true });
    assertThrows(() => job.getResult(), hi.ResultLostError, "wait");
    assertEquals((await job).length, 70_000);
  }));

Deno.test("a result changed after await leaves the cache as it was", () =>
  withCache(async () => {
    (await big.run(70_000))[1] = 77;
    assertEquals((await big.run(70_000))[1], 1);
    assertEquals(await first.run(big.run(70_000)), 1);
  }));

Deno.test("explain tells what differs from the nearest record", () =>
  withCache(async () => {
    const smooth = hi.func(
      "cached_smooth",
      "2",
      (_: { width: number; name: string }) => 1,
    );
    const none = smooth.run({ width: 0.3, name: "a" });
    await none;
    assertEquals([none.explain().status, none.explain().nearest], [
      "miss",
      undefined,
    ]);
    const job = smooth.run({ width: 0.31, name: "a" });
    await job;
    const { status, differences, text } = job.explain();
    assertEquals(status, "miss");
    assertEquals(differences, [{
      path: "args[0].width",
      stored: "0.3",
      now: "0.31",
    }]);
    assertStringIncludes(text, "args[0].width: 0.3 → 0.31");
    const hit = smooth.run({ width: 0.31, name: "a" });
    await hit;
    assertEquals(hit.explain().status, "hit");
    const forced = smooth.with({ forceRun: true }).run({
      width: 0.31,
      name: "a",
    });
    await forced;
    assertEquals(forced.explain().status, "forced");
  }));

Deno.test("explain sees another version", () =>
  withCache(async () => {
    const one = hi.func("cached_versions", "1", (x: number) => x);
    const two = hi.func("cached_versions", "2", (x: number) => x);
    await one.run(1);
    const job = two.run(1);
    await job;
    assertEquals(job.explain().differences, [{
      path: "version",
      stored: "1",
      now: "2",
    }]);
  }));

Deno.test("explain sees a value that became one of another kind", () =>
  withCache(async (jobCache) => {
    const any = hi.func("cached_kinds", "1", (..._: unknown[]) => 1);
    const differences = async (stored: unknown[], now: unknown[]) => {
      jobCache.clear();
      await any.run(...stored);
      const job = any.run(...now);
      await job;
      return job.explain().text.replace(/^.*nearest record /, "");
    };
    assertEquals(await differences([1], [[1]]), "args[0]: 1 → […]");
    assertEquals(await differences([{ a: 1 }], ["x"]), 'args[0]: {…} → "x"');
    // deno-lint-ignore no-sparse-arrays
    const holes = [1, , 3];
    assertEquals(
      await differences([holes], [[1, undefined, 3]]),
      "args[0][1]: absent → undefined",
    );
    assertEquals(await differences([[1, 2]], [[1]]), "args[0][1]: 2 → absent");
  }));

Deno.test("explain names what it can of files, results, texts, arrays, Dates and Maps", () =>
  withCache(async (jobCache) => {
    await using folder = await temporaryFolder({ "b/c": "" });
    const { path } = folder;
    const any = hi.func("cached_details", "1", (..._: unknown[]) => 1);
    const from = hi.func("cached_from", "1", (x: number) => [x]);
    const differences = async (stored: unknown[], now: () => unknown[]) => {
      jobCache.clear();
      await any.run(...stored);
      const job = any.run(...now());
      await job;
      return job.explain().text.replace(/^.*nearest record /, "");
    };
    const file = (text: string, name = "a.txt") => {
      Deno.writeTextFileSync(`${path}/${name}`, text);
      return hi.file(`${path}/${name}`);
    };
    const folderWith = (text: string) => {
      file(text, "b/c");
      return hi.folder(`${path}/b`);
    };
    assertEquals(
      await differences([1, file("one")], () => [1, file("two")]),
      `args[1]: file("${path}/a.txt"): content changed`,
    );
    assertEquals(
      await differences([folderWith("one")], () => [folderWith("two")]),
      `args[0]: folder("${path}/b"): content changed`,
    );
    assertEquals(
      await differences([file("one")], () => [file("two", "other")]),
      `args[0]: file("${path}/a.txt") → file("${path}/other")`,
    );
    assertEquals(
      await differences([from.run(1)], () => [from.run(2)]),
      "args[0]: cached_from: content changed",
    );
    assertEquals(
      await differences([new Map([["k", 1]])], () => [new Map([["k", 2]])]),
      "args[0]: Map(1): content changed",
    );
    assertEquals(
      await differences([new Map([["k", 1]])], () => [new Map()]),
      "args[0]: Map(1) → Map(0)",
    );
    assertEquals(
      await differences([{ d: new Date(0) }], () => [{ d: new Date(1) }]),
      "args[0].d: Date(1970-01-01T00:00:00.000Z) → Date(1970-01-01T00:00:00.001Z)",
    );
    const text = "a text of more than 24 characters";
    assertEquals(
      await differences([text], () => [`${text}, and longer`]),
      `args[0]: "${text}" → "${text}, and longer"`,
    );
    assertEquals(
      await differences(["short"], () => ["long".repeat(30)]),
      `args[0]: "short" → "${"long".repeat(19)}…`,
    );
    // What differs where nothing is shown any more is not guessed.
    assertEquals(
      await differences(["x".repeat(300)], () => ["x".repeat(299) + "y"]),
      "args[0] differs",
    );
    const numbers = Array.from({ length: 1_000 }, (_, i) => i);
    assertEquals(
      await differences([numbers], () => [numbers.with(7, 70)]),
      "args[0][7]: 7 → 70",
    );
    assertEquals(
      await differences([numbers], () => [numbers.with(777, 0)]),
      "args[0] differs",
    );
    const deep = (b: string, c: unknown) => [{ a: [{ b: { x: b } }], c }];
    assertEquals(
      await differences(deep("x", [1]), () => deep("y", [1])),
      'args[0].a[0].b.x: "x" → "y"',
    );
    // A file that has moved is the same to a key.
    const moved = (name: string, k: number, n: number) => [
      [[{ f: file("one", name), m: new Map([["k", k]]), n }]],
    ];
    assertEquals(
      await differences(moved("x", 1, 1), () => moved("y", 1, 2)),
      "args[0][0][0].n: 1 → 2",
    );
    assertEquals(
      await differences(moved("x", 1, 1), () => moved("y", 2, 1)),
      "args[0][0][0] differs",
    );
  }));

Deno.test("explain compares with the record that differs least", () =>
  withCache(async () => {
    const one = hi.func("cached_least", "1", (..._: unknown[]) => 1);
    const two = hi.func("cached_least", "2", (..._: unknown[]) => 1);
    await one.run(0.3);
    await two.run(0.3, "more");
    const job = one.run(0.5);
    await job;
    assertEquals(job.explain().differences, [
      { path: "args[0]", stored: "0.3", now: "0.5" },
    ]);
  }));

Deno.test("explain tells of a result that was lost", () =>
  withCache(async (jobCache) => {
    await big.run(90_000);
    const job = big.run(90_000);
    await Deno.remove(`${jobCache.path}/blobs`, { recursive: true });
    await job;
    const { status, text } = job.explain();
    assertEquals(status, "miss");
    assertStringIncludes(text, "its stored result is damaged or gone");
  }));

Deno.test("explain tells of a stored error that is run again, and by which option", () =>
  withCache(async () => {
    const odd = hi.func("cached_odd", "1", (x: number) => {
      if (x % 2 === 1) throw new RangeError(`${x} is odd`);
      return x;
    });
    await odd.run(2);
    const why = async (options: hi.RunOptions) => {
      const job = odd.with(options).run(1);
      await job.then(() => {}, () => {});
      const { status, text, differences } = job.explain();
      assertEquals(differences, []);
      return `${status}: ${text}`;
    };
    const job = odd.with({ cacheFailing: true }).run(1);
    await job.then(() => {}, () => {});
    assertStringIncludes(job.explain().text, "args[0]: 2 → 1");
    const again =
      "miss: cached_odd 1: its stored outcome is an error, which is run again by ";
    assertEquals(
      await why({ cacheFailing: true, rerunFailing: true }),
      `${again}rerunFailing: true`,
    );
    assertEquals(await why({}), `${again}cacheFailing: false`);
    assertEquals(
      await why({ cacheFailing: true }),
      "hit: cached_odd 1: its outcome was in the cache",
    );
  }));

Deno.test("delete and clear make the next run a miss", () =>
  withCache(async (jobCache) => {
    const job = square.run(6);
    await job;
    await square.run(7);
    assertEquals(jobCache.delete(job), true);
    assertEquals(jobCache.delete(job), false);
    calls = [];
    await square.run(6);
    await square.run(7);
    assertEquals(calls, ["square 6"]);
    jobCache.clear();
    await square.run(7);
    assertEquals(calls, ["square 6", "square 7"]);
  }));

Deno.test("a lost result in the middle of a pipeline is computed again, once", () =>
  withCache(async (jobCache) => {
    await big.run(80_000);
    calls = [];
    const upstream = big.run(80_000);
    await hi.wait();
    await Deno.remove(`${jobCache.path}/blobs`, { recursive: true });
    assertEquals(await first.run(upstream), 1);
    assertEquals(calls, ["big 80000", "first"]);
  }));

const SCRIPT = (body: string) => `
import * as hi from ${
  JSON.stringify(new URL("../../mod.ts", import.meta.url).href)
};
const f = hi.func("script_f", "1", (x: number) => ${body});
await hi.config({ jobCache: new hi.JobCache() }, async () => {
  console.log(await f.run(1), await f.run(2));
});
`;

/** Runs a script in its own folder. */
async function runScript(folder: string, name = "main.ts") {
  const ended = await deno([
    "run",
    "-A",
    "--no-check",
    ...stdArguments(),
    `${folder}/${name}`,
  ], { cwd: folder });
  assertEquals(ended.code, 0, ended.stderr);
  return { ...ended, stdout: ended.stdout.trim() };
}

Deno.test("a function whose text changed without its version is a hit that warns, once", async () => {
  await using folder = await temporaryFolder({ "main.ts": SCRIPT("x + 1") });
  const before = await runScript(folder.path);
  assertEquals([before.stdout, before.stderr], ["2 3", ""]);
  await Deno.writeTextFile(`${folder.path}/main.ts`, SCRIPT("x + 2"));
  const after = await runScript(folder.path);
  assertEquals(after.stdout, "2 3");
  assertEquals(after.stderr.match(/script_f 1/g)?.length, 1, after.stderr);
  assertStringIncludes(after.stderr, "raise the version");
});

Deno.test("two projects with functions of one name and version never meet", async () => {
  await using folder = await temporaryFolder({
    "one/deno.json": "{}",
    "one/main.ts": SCRIPT("x + 1"),
    "two/main.ts": SCRIPT("x * 10"),
  });
  assertEquals((await runScript(`${folder.path}/one`)).stdout, "2 3");
  assertEquals((await runScript(`${folder.path}/two`)).stdout, "10 20");
  assertEquals((await runScript(`${folder.path}/one`)).stdout, "2 3");
});

Deno.test("after kill -9 in the middle of cold runs the next run is right", async () => {
  await using folder = await temporaryFolder({
    "main.ts": `
import * as hi from ${
      JSON.stringify(new URL("../../mod.ts", import.meta.url).href)
    };
const f = hi.func("killed_f", "1", (x: number) => ({ x, big: new Float64Array(9_000).fill(x) }));
await hi.config({ jobCache: new hi.JobCache() }, async () => {
  for (let i = 0; i < 40; i++) {
    const { x, big } = await f.run(i);
    if (x !== i || big.length !== 9_000 || big.some((y) => y !== i)) throw new Error("wrong " + i);
    console.log("done " + i);
  }
});
`,
  });
  const args = [
    "run",
    "-A",
    "--no-check",
    ...stdArguments(),
    `${folder.path}/main.ts`,
  ];
  for (let round = 0; round < 50; round++) {
    const child = new Deno.Command(Deno.execPath(), {
      args,
      stdout: "piped",
      stderr: "null",
    }).spawn();
    // Killed as soon as it has said a number of lines that differs from round to round.
    const after = (round * 7) % 40;
    let lines = 0;
    const decoder = new TextDecoder();
    for await (const bytes of child.stdout) {
      lines += decoder.decode(bytes).split("\n").length - 1;
      if (lines > after) {
        try {
          child.kill("SIGKILL");
        } catch {
          // It was done before its lines were read.
        }
        break;
      }
    }
    await child.status;
    if (round % 10 === 9) {
      await Deno.remove(`${folder.path}/.hither/cache.sqlite`);
    }
  }
  const last = await runScript(folder.path);
  assertEquals(last.stdout.split("\n").length, 40);
  // That of the last round was deleted.
  const told = /^hither: .*its database is empty or gone.*\n$/;
  assert(!last.stderr.replace(told, "").includes("damaged"), last.stderr);
});

Deno.test("a long text is in a blob; when that is gone, the job runs again", () =>
  withCache(async (jobCache) => {
    const long = hi.func("cached_long", "1", (n: number) => {
      calls.push("long");
      return "ab".repeat(n);
    });
    const length = hi.func("cached_length", "1", (text: string) => text.length);
    assertEquals((await long.run(50_000)).length, 100_000);
    assertEquals((await long.run(50_000)).length, 100_000);
    assertEquals(calls, ["long"]);
    await Deno.remove(`${jobCache.path}/blobs`, { recursive: true });
    assertEquals((await long.run(50_000)).length, 100_000);
    await Deno.remove(`${jobCache.path}/blobs`, { recursive: true });
    assertEquals(await length.run(long.run(50_000)), 100_000);
    assertEquals(calls, ["long", "long", "long"]);
  }));

Deno.test("jobs that need a result while it is computed again get it", () =>
  withCache(async (jobCache) => {
    const gate = Promise.withResolvers<number>();
    const slow = hi.func("cached_slow", "1", () => gate.promise, {
      cache: false,
    });
    const plus = hi.func(
      "cached_plus",
      "1",
      (array: Float64Array, b: number) => array[1]! + b,
    );
    await using jobHandler = new hi.DefaultJobHandler({ concurrency: 3 });
    await hi.config({ jobHandler }, async () => {
      await big.run(90_000);
      const [a, s] = [big.run(90_000), slow.run()];
      const [b, c] = [first.with({ cache: false }).run(a), plus.run(a, s)];
      // At once: the jobs are about to need it.
      Deno.removeSync(`${jobCache.path}/blobs`, { recursive: true });
      const again = a.then((array) => array.length);
      gate.resolve(1);
      assertEquals(await Promise.all([again, b, c]), [90_000, 1, 2]);
      assertEquals((await hi.wait()).total, 5);
    });
  }));

Deno.test("that a job inside ran out of time is not kept as the error of the job outside", () =>
  withCache(async () => {
    let slow = true;
    const child = hi.func(
      "cached_child",
      "1",
      () => slow ? new Promise<number>(() => {}) : 1,
      { timeout: 10 },
    );
    const parent = hi.func(
      "cached_parent",
      "1",
      async () => await child.run() + 1,
      { cacheFailing: true },
    );
    await assertRejects(async () => await parent.run(), hi.JobTimeoutError);
    slow = false;
    assertEquals(await parent.run(), 2);
  }));

Deno.test("a job that a refused cache folder kept from being submitted is not waited for", async () => {
  await using folder = await temporaryFolder({
    "main.ts": `
import * as hi from ${
      JSON.stringify(new URL("../../mod.ts", import.meta.url).href)
    };
const f = hi.func("refused_f", "1", (x: number) => x);
await hi.config({ jobCache: new hi.JobCache() }, async () => {
  try {
    f.run(1);
  } catch (error) {
    console.log((error as Error).name);
  }
  console.log((await hi.wait()).total);
});
`,
  });
  const { stdout } = await deno([
    "run",
    "-A",
    "--no-check",
    ...stdArguments(),
    `${folder.path}/main.ts`,
  ], {
    env: { HITHER_CACHE_DIR: "http://x" },
  });
  assertEquals(stdout, "TypeError\n0\n");
});
