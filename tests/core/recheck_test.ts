// A sample of hits is run again and compared with what the cache remembers.
import {
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import * as hi from "../../mod.ts";
import { deno, stdArguments, temporaryFolder } from "../house/run.ts";

const MOD = new URL("../../mod.ts", import.meta.url).href;

/** Runs a script twice with one cache; what the second run prints on stderr and stdout. */
async function secondRun(
  script: string,
): Promise<{ stderr: string; stdout: string }> {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/script.ts`;
  const cache = JSON.stringify(`${folder.path}/cache`);
  await Deno.writeTextFile(
    file,
    `import * as hi from ${JSON.stringify(MOD)};
const jobCache = new hi.JobCache({ path: ${cache} });
${script}`,
  );
  const run = (n: number) =>
    deno(["run", "-A", "-q", ...stdArguments(), file, String(n)]);
  const first = await run(1);
  assertEquals([first.code, first.stderr], [0, ""]);
  const { code, stdout, stderr } = await run(2);
  assertEquals(code, 0, stderr);
  return { stdout, stderr };
}

Deno.test("a function that is not pure is told of, with the first place that differs", async () => {
  const { stdout, stderr } = await secondRun(`
const f = hi.func("impure", "1", (x: number) => ({ x, rows: [1, Number(Deno.args[0])] }));
const g = hi.func("pure", "1", (x: number) => ({ x }));
await hi.config({ jobCache, recheck: 1 }, async () => {
  const jobs = [f.run(1), f.run(2), g.run(1)];
  console.log(JSON.stringify(await Promise.all(jobs)));
});`);
  // The jobs have what the cache remembers.
  assertEquals(
    JSON.parse(stdout),
    [{ x: 1, rows: [1, 1] }, { x: 2, rows: [1, 1] }, { x: 1 }],
  );
  assertStringIncludes(stderr, "impure 1 was run again");
  assertStringIncludes(stderr, "result.rows[1] was 1, now 2");
  assertEquals(stderr.match(/^hither/gm)?.length, 1);
});

Deno.test("hits are run again on the handler of the scope, before it goes", async () => {
  const { stderr } = await secondRun(`
const f = hi.func("impure", "1", (x: number) => x + crypto.randomUUID());
await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
await hi.config({ jobCache, jobHandler, recheck: 1 }, async () => {
  await f.run(1);
});`);
  assertStringIncludes(stderr, "impure 1 was run again");
});

Deno.test("with defaults of the whole program, hits are run again before it ends", async () => {
  const { stderr } = await secondRun(`
const f = hi.func("now_fails", "1", (x: number) => {
  if (Deno.args[0] === "2") throw new RangeError("not today");
  return x;
});
hi.setDefaults({ jobCache, recheck: 1 });
await f.run(1);`);
  assertStringIncludes(stderr, "now_fails 1 was run again");
  assertStringIncludes(stderr, "RangeError: not today");
  assertEquals(stderr.match(/^hither/gm)?.length, 1);
});

let calls = 0;
const counted = hi.func("recheck_counted", "1", (x: number) => {
  calls++;
  return x;
});

Deno.test("nothing is run again without being asked for, nor in the counts of wait", async () => {
  await using folder = await temporaryFolder();
  await using jobCache = new hi.JobCache({ path: folder.path });
  await hi.config({ jobCache }, () => counted.run(1));
  await hi.config({ jobCache }, () => counted.run(1));
  assertEquals(calls, 1);
  const counts = await hi.config({ jobCache, recheck: 1 }, async () => {
    await counted.run(1);
    return await hi.wait();
  });
  assertEquals(calls, 2);
  assertEquals([counts.total, counts.cached], [1, 1]);
});

Deno.test("about the share of hits is run again that was asked for", async () => {
  await using folder = await temporaryFolder();
  await using jobCache = new hi.JobCache({ path: folder.path });
  const items = Array.from({ length: 400 }, (_, i) => 1_000 + i);
  const runAll = () => Promise.all(counted.map(items));
  await hi.config({ jobCache }, runAll);
  calls = 0;
  await hi.config({ jobCache, recheck: 0.5 }, runAll);
  // Six standard deviations to each side.
  assertEquals(calls > 140 && calls < 260, true, `${calls} of 400`);
});

Deno.test("a share that is none is refused", () => {
  assertThrows(() => hi.setDefaults({ recheck: 1.5 }), RangeError, "recheck");
  assertThrows(() => hi.setDefaults({ recheck: NaN }), RangeError, "recheck");
  assertThrows(
    () => hi.setDefaults({ recheck: "all" as unknown as number }),
    TypeError,
    "recheck",
  );
});

Deno.test("what has files in its result is not run again, as the program has those files", async () => {
  const { stdout, stderr } = await secondRun(`
const out = import.meta.dirname + "/o.txt", dir = import.meta.dirname + "/d";
const f = hi.func("impure_file", "1", (out: string) => {
  Deno.writeTextFileSync(out, crypto.randomUUID());
  return { nested: [hi.file(out)] };
});
const g = hi.func("impure_folder", "1", (dir: string) => {
  Deno.mkdirSync(dir, { recursive: true });
  Deno.writeTextFileSync(dir + "/o.txt", crypto.randomUUID());
  return hi.folder(dir);
});
// One that takes a file is.
const h = hi.func("impure_reader", "1", (file: hi.FileReference) => file.text() + Deno.args[0]);
const files: string[] = [];
await hi.config({ jobCache, recheck: 1 }, async () => {
  const { nested: [file] } = await f.run(out);
  const folder = await g.run(dir);
  files.push(file!.path, folder.file("o.txt").path);
  await h.run(file!);
});
for (const file of files) console.log(Deno.statSync(file).ino, Deno.readTextFileSync(file));
if (Deno.args[0] === "1") {
  const kept = files.map((file) => [Deno.statSync(file).ino, Deno.readTextFileSync(file)].join(" "));
  Deno.writeTextFileSync(import.meta.dirname + "/kept", kept.join("\\n") + "\\n");
} else console.log(Deno.readTextFileSync(import.meta.dirname + "/kept"));
`);
  const [now, before] = [
    stdout.split("\n").slice(0, 2),
    stdout.split("\n").slice(2, 4),
  ];
  assertEquals(now, before);
  assertMatch(
    stderr,
    /^hither: impure_reader 1 was run again and did otherwise[^\n]*\n$/,
  );
});
