import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { commandLine, denoArgs, hither, IMPORT, jsonLines } from "./support.ts";
import { ROOT, temporaryFolder } from "../house/run.ts";

const SCRIPT = `${IMPORT}
const square = hi.func("explained_square", "1", (x) => {
  Deno.writeTextFileSync("ran", x + "\\n", { append: true });
  return x * x;
});
const sum = hi.func("explained_sum", "1", (xs) => xs.reduce((a, b) => a + b));
console.log("the script", Deno.args.join(" "));
hi.setDefaults({ jobCache: new hi.JobCache() });
const squares = square.map(JSON.parse(Deno.args[0]));
console.log("the sum", await sum.run(squares));
`;

function scriptFolder(script = SCRIPT) {
  return temporaryFolder({ "deno.json": "{}", "script.js": script });
}

function explain(cwd: string, args: string[], env = {}) {
  return hither(["explain", ...denoArgs(), ...args], { cwd, env });
}

function ran(folder: string): number[] {
  try {
    return jsonLines(Deno.readTextFileSync(`${folder}/ran`));
  } catch {
    return [];
  }
}

Deno.test("nothing is computed; what waits for a job that would be is told", async () => {
  await using folder = await scriptFolder();
  const { code, stdout, stderr } = await explain(folder.path, [
    "script.js",
    "[2,3]",
    "--json",
  ]);
  assertEquals(
    stdout,
    `run   explained_square 1(2): the cache has no other record of this function
run   explained_square 1(3): the cache has no other record of this function
wait  explained_sum 1([explained_square, explained_square]): waits for explained_square 1
0 hits, 2 to compute, 1 waiting for them
`,
  );
  // What follows the script is the script's; that it waits for ever is no error.
  assertEquals(stderr, "the script [2,3] --json\n");
  assertEquals(code, 0);
  assertEquals(ran(folder.path), []);
});

Deno.test("--run computes what is missing; afterwards all of it hits", async () => {
  await using folder = await scriptFolder();
  const first = await explain(folder.path, ["--run", "script.js", "[2,3]"]);
  assertMatch(first.stdout, /0 hits, 3 computed\n$/);
  assertMatch(first.stderr, /the sum 13\n$/);
  assertEquals(ran(folder.path).sort(), [2, 3]);
  const second = await explain(folder.path, [
    "--exit-code",
    "script.js",
    "[2,3]",
  ]);
  assertMatch(second.stdout, /^hit {3}explained_square 1\(2\)\n/);
  assertMatch(second.stdout, /3 hits, 0 to compute\n$/);
  assertMatch(second.stderr, /the sum 13\n$/);
  assertEquals(second.code, 0);
  assertEquals(ran(folder.path).length, 2);
});

Deno.test("a miss names what differs from the nearest record", async () => {
  await using folder = await scriptFolder();
  await explain(folder.path, ["--run", "script.js", "[2,3]"]);
  const { code, stdout } = await explain(folder.path, [
    "--json",
    "--exit-code",
    "script.js",
    "[2,4]",
  ]);
  const { jobs, ...rest } = JSON.parse(stdout);
  assertEquals(rest, {
    script: "script.js",
    code: 0,
    hits: 1,
    runs: 1,
    waits: 1,
    failed: 0,
  });
  const [hit, miss, waiting] = jobs;
  assertEquals([hit.status, hit.name, hit.preview], [
    "hit",
    "explained_square",
    "2",
  ]);
  assertMatch(hit.key, /^[0-9a-f]{64}$/);
  assertEquals(miss.status, "miss");
  assertEquals(miss.differences[0].path, "args[0]");
  assertEquals(miss.differences[0].now, "4");
  assertMatch(miss.text, /args\[0\]: [23] → 4/);
  assertEquals([waiting.status, waiting.waitsFor], ["waits", [miss.job]]);
  assertEquals(code, 1);
});

Deno.test("--cache names the cache of a script that names none", async () => {
  await using folder = await scriptFolder();
  await using cache = await temporaryFolder();
  const args = ["--cache", cache.path, "--run", "script.js", "[2,3]"];
  await explain(folder.path, args);
  assertMatch((await explain(folder.path, args)).stdout, /3 hits, 0 computed/);
  const other = await explain(folder.path, ["script.js", "[2,3]"]);
  assertMatch(other.stdout, /0 hits, 2 to compute/);
});

Deno.test("jobs without a cache are not run either", async () => {
  await using folder = await scriptFolder(
    SCRIPT.replace("new hi.JobCache()", "null"),
  );
  const { stdout } = await explain(folder.path, ["script.js", "[2]"]);
  assertMatch(stdout, /^run .*square 1\(\): no cache was in force\n/);
  assertEquals(ran(folder.path), []);
});

Deno.test("nothing is run in workers either, and no hit is checked by running it again", async () => {
  await using folder = await scriptFolder(SCRIPT.replace(
    "{ jobCache: new hi.JobCache() }",
    `{
      jobCache: new hi.JobCache(),
      jobHandler: new hi.ParallelJobHandler(),
      recheck: 1,
    }`,
  ));
  await explain(folder.path, ["--run", "script.js", "[2,3]"]);
  assertEquals(ran(folder.path).length, 2);
  const { code, stdout } = await explain(folder.path, ["script.js", "[2,3,4]"]);
  assertMatch(stdout, /2 hits, 1 to compute, 1 waiting for them\n$/);
  assertEquals(code, 0);
  assertEquals(ran(folder.path).length, 2);
});

Deno.test("a job that takes a kept error as its argument is told", async () => {
  await using folder = await scriptFolder(`${IMPORT}
    const fails = hi.func("explained_fails", "1", () => { throw Error("no") });
    const next = hi.func("explained_next", "1", (x) => x);
    hi.setDefaults({ jobCache: new hi.JobCache(), cacheFailing: true });
    await next.run(fails.run()).then(() => {}, () => {});
  `);
  await explain(folder.path, ["--run", "script.js"]);
  const { code, stdout } = await explain(folder.path, ["script.js"]);
  assertEquals(
    stdout,
    `hit   explained_fails 1()
fail  explained_next 1(explained_fails): a job among its arguments failed
1 hit, 0 to compute, 1 failed
`,
  );
  assertEquals(code, 0);
});

Deno.test("--json has the statuses that the documentation lists", async () => {
  await using folder = await scriptFolder(`${IMPORT}
    const given = (x) => x;
    const f = hi.func("explained_plain", "1", given);
    const fails = hi.func("explained_fails", "1", () => { throw Error("no") });
    const uncached = hi.func("explained_uncached", "1", given, { cache: false });
    hi.setDefaults({ jobCache: new hi.JobCache(), cacheFailing: true });
    if (Deno.args[0] === "fill") {
      await f.run(1);
      await fails.run().then(() => {}, () => {});
      Deno.exit();
    }
    f.run(f.run(fails.run())).then(() => {}, () => {});
    const jobs = [f.run(1), f.run(2), f.with({ forceRun: true }).run(1), uncached.run(1), f.run(f.run(3))];
    await Promise.all(jobs);
  `);
  await explain(folder.path, ["--run", "script.js", "fill"]);
  const { stdout } = await explain(folder.path, ["--json", "script.js"]);
  const statuses = JSON.parse(stdout).jobs.map(
    ({ status }: { status: string }) => status,
  );
  const text = await Deno.readTextFile(`${ROOT}docs/cli.md`);
  const [, rows] = /\| word +\| `status` [^\n]*\n\|[- |]+\n((?:\|[^\n]*\n)+)/
    .exec(text)!;
  const documented = rows!.split("\n").filter(Boolean).flatMap((row) =>
    [...row.split("|")[2]!.matchAll(/`([a-z]+)`/g)].map(([, word]) => word)
  );
  assertEquals([...new Set(statuses)].sort(), documented.sort());
});

Deno.test("a script that fails is told with what it came to until then", async () => {
  await using folder = await scriptFolder(
    SCRIPT.replace("await sum.run(squares)", "squares[0].getResult()"),
  );
  const { code, stdout, stderr } = await explain(folder.path, [
    "script.js",
    "[2]",
  ]);
  assertMatch(stdout, /0 hits, 1 to compute\n$/);
  assertMatch(stderr, /JobPendingError/);
  assertMatch(stderr, /\nhither: .*the script ended with exit code 1\n$/);
  assertEquals(code, 1);
});

Deno.test("a script that is not there is told in one line", async () => {
  await using folder = await scriptFolder();
  const refused = async (script: string, why: string) => {
    const { code, stdout, stderr } = await explain(folder.path, [script]);
    assertEquals(
      stderr,
      `hither: Cannot explain ${script} as ${why}: give the path of a script, relative to the current folder\n`,
    );
    assertEquals([code, stdout], [1, ""]);
  };
  await refused("none.js", "there is no such file");
  await refused(`file://${folder.path}/none.js`, "there is no such file");
  await refused("script.js/none.ts", "there is no such file");
  await refused("./", "it is a folder");
  // What is no file is for Deno to look up.
  const { code, stderr } = await explain(folder.path, ["data:nothing"]);
  assertEquals(code, 1);
  assertMatch(stderr, /\nhither: .*the script ended with exit code 1\n$/);
});

Deno.test("Ctrl-C ends the command and the script with 130, tells what was seen, and leaves nothing behind", async () => {
  await using folder = await scriptFolder(
    SCRIPT.replace("await sum.run(squares)", `"ready"`) +
      "setInterval(() => {}, 1e6);",
  );
  await using temporary = await temporaryFolder();
  const child = new Deno.Command(Deno.execPath(), {
    args: [...commandLine(), "explain", ...denoArgs(), "script.js", "[2,3]"],
    cwd: folder.path,
    env: { TMPDIR: temporary.path, NO_COLOR: "1", HITHER_CACHE_DIR: "" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let said = "";
  const told = new Response(child.stdout).text();
  const text = child.stderr.pipeThrough(new TextDecoderStream());
  for await (const piece of text) {
    const wasReady = said.includes("ready");
    said += piece;
    if (!wasReady && said.includes("ready")) child.kill("SIGINT");
  }
  assertEquals((await child.status).code, 130);
  assertMatch(
    said,
    /^the script \[2,3\]\nthe sum ready\nhither: interrupted.*\n$/,
  );
  assertMatch(
    await told,
    /^run {3}explained_square 1\(2\): .*\nrun {3}explained_square 1\(3\): .*\n0 hits, 2 to compute\n$/,
  );
  assertEquals([...Deno.readDirSync(temporary.path)], []);
});

Deno.test("it makes no cache, and stores nothing of what comes from an upstream", async () => {
  await using folder = await scriptFolder();
  const { path } = folder;
  await Deno.writeTextFile(
    `${path}/script.js`,
    SCRIPT.replace("JobCache()", "JobCache(JSON.parse(Deno.args[1]))"),
  );
  const theirs = JSON.stringify({ path: "theirs" });
  const filled = await explain(path, ["--run", "script.js", "[2,3]", theirs]);
  assertMatch(filled.stdout, /3 computed\n$/);
  for (const layout of ["sqlite", "files"]) {
    const mine = JSON.stringify({ path: "mine", layout, upstream: ["theirs"] });
    const { stdout, stderr } = await explain(path, [
      "script.js",
      "[2,3]",
      mine,
    ]);
    assertMatch(stdout, /3 hits, 0 to compute\n$/);
    assertEquals(stderr, `the script [2,3] ${mine}\nthe sum 13\n`);
    await assertRejects(() => Deno.stat(`${path}/mine`), Deno.errors.NotFound);
  }
});

const FILES = `${IMPORT}
const file = hi.func("explained_file", "1", (path) => {
  Deno.writeTextFileSync(path, "made");
  return hi.file(path);
});
const folder = hi.func("explained_folder", "1", (path) => {
  Deno.mkdirSync(path, { recursive: true });
  Deno.writeTextFileSync(path + "/a.txt", "made");
  return hi.folder(path);
});
const size = hi.func("explained_size", "1", (x) => x.size);
hi.setDefaults({ jobCache: new hi.JobCache() });
const [a, b] = await Promise.all([file.run("one.txt"), folder.run("some")]);
console.log(await size.run(a), await size.run(b));
if (Deno.args[0] === "read") a.text();
`;

Deno.test("files of results are not put back: a warning names them, and who reads one gets an error", async () => {
  await using folder = await scriptFolder(FILES);
  const { path } = folder;
  const made = await explain(path, ["--run", "script.js"]);
  assertMatch(made.stdout, /0 hits, 4 computed\n$/, made.stderr);
  await Deno.writeTextFile(`${path}/one.txt`, "edited");
  await Deno.remove(`${path}/some`, { recursive: true });
  const looked = await explain(path, ["script.js"]);
  assertMatch(looked.stdout, /^(hit .*\n){4}4 hits, 0 to compute\n$/);
  assertEquals(looked.code, 0);
  assertMatch(looked.stderr, /one\.txt is missing or is not what .* --run/);
  assertMatch(looked.stderr, /some \(and 1 more of that result\) is missing/);
  const read = await explain(path, ["script.js", "read"]);
  assertMatch(read.stderr, /FileChangedError: .*one\.txt has changed/);
  assertEquals(read.code, 1);
  assertEquals(await Deno.readTextFile(`${path}/one.txt`), "edited");
  await assertRejects(() => Deno.stat(`${path}/some`), Deno.errors.NotFound);
  // What stands in the way makes a job run again, here too.
  await Deno.mkdir(`${path}/some`);
  await Deno.writeTextFile(`${path}/some/mine.txt`, "mine");
  const blocked = await explain(path, ["script.js"]);
  assertMatch(
    blocked.stdout,
    /^run {3}explained_folder .*its stored result is damaged or gone$/m,
  );
  const restored = await explain(path, ["--run", "script.js", "read"]);
  assertEquals(restored.code, 0, restored.stderr);
  assertEquals(await Deno.readTextFile(`${path}/one.txt`), "made");
});
