import { assert, assertEquals, assertMatch } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import * as hi from "@hither/hither";
import { withoutPrivileges } from "../cache/children.ts";
import { damageBlob, filesOf, testBoth } from "../cache/support.ts";
import { temporaryFolder } from "../house/run.ts";
import {
  commandLine,
  hither,
  jsonLines,
  type Keys,
  makeCache,
} from "./support.ts";

interface Summary {
  key: string;
  fn: { name: string; version: string };
  status: string;
  bytes: number;
  pinned: boolean;
}

/** A project with a filled cache, and the command in it. */
async function project() {
  const folder = await temporaryFolder({ "deno.json": "{}" });
  const cache = `${folder.path}/.hither`;
  const keys: Keys = await makeCache(cache);
  const run = (...args: string[]) => hither(args, { cwd: folder.path });
  const good = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args);
    assertEquals([code, stderr], [0, ""], args.join(" "));
    return stdout;
  };
  const list = async (...args: string[]) =>
    jsonLines<Summary>(await good("cache", "ls", "--json", ...args));
  return Object.assign(folder, { cache, keys, run, good, list });
}

const namesOf = (list: Summary[]) => list.map(({ fn }) => fn.name);

Deno.test("ls lists the records in a table, the latest first", async () => {
  await using folder = await project();
  const [titles, ...rows] = (await folder.good("cache", "ls")).trimEnd()
    .split("\n");
  assertEquals(
    titles!.split(/ {2,}/),
    "KEY FUNCTION VERSION STATUS SIZE TOOK AGE USED ARGUMENTS".split(" "),
  );
  assertEquals(rows.length, 5);
  assertMatch(
    rows[0]!,
    /^[0-9a-f]{12} {2}cli_fails {2}1 +error .*today {2}"no such thing"$/,
  );
  assertEquals(rows[0]!.slice(0, 12), folder.keys.failed.slice(0, 12));
  assertMatch(rows[2]!, /cli_total {2}2\.0 .*\[cli_half, cli_half\]$/);
});

Deno.test("ls chooses, sorts and limits", async () => {
  await using folder = await project();
  assertEquals(namesOf(await folder.list()), [
    "cli_fails",
    "cli_large",
    "cli_total",
    "cli_half",
    "cli_half",
  ]);
  assertEquals(namesOf(await folder.list("--function", "cli_half")).length, 2);
  assertEquals(namesOf(await folder.list("--version-of", "2.0")), [
    "cli_total",
  ]);
  assertEquals(namesOf(await folder.list("--failed")), ["cli_fails"]);
  assertEquals(namesOf(await folder.list("--label", "sums")), ["cli_total"]);
  assertEquals(namesOf(await folder.list("--label", "none")), []);
  const bySize = await folder.list("--sort", "size", "--limit", "2");
  assertEquals(namesOf(bySize), ["cli_large", "cli_fails"]);
  for (const order of ["time", "duration", "use"]) {
    assertEquals((await folder.list("--sort", order)).length, 5);
    assertEquals(
      (await folder.list("--sort", order, "--limit", "3")).length,
      3,
    );
  }
});

Deno.test("options of all commands may stand before the command as well", async () => {
  await using folder = await project();
  const { stdout } = await hither(["--cache", folder.cache, "--json", "log"]);
  assertEquals(jsonLines(stdout).length, 5);
  const named = await hither(["log", "--json"], {
    env: { HITHER_CACHE_DIR: folder.cache },
  });
  assertEquals(named.stdout, stdout);
});

Deno.test("wrong values of options end with 2", async () => {
  await using folder = await project();
  for (
    const args of [
      ["cache", "ls", "--limit", "0"],
      ["cache", "ls", "--limit", "many"],
      ["log", "--limit", "1.5"],
      ["cache", "gc", "--max-size", "big"],
      ["cache", "gc", "--max-size=-3GB"],
      ["cache", "gc", "--max-age", "30"],
      ["cache", "gc", "--max-age", "soon"],
      ["cache", "gc", "--max-age", "0d"],
      ["cache", "gc", "--max-size", "0"],
      ["cache", "gc", "--grace", "1"],
      ["cache", "rm"],
      ["cache", "rm", "abcd", "--failed"],
      ["cache", "pin"],
      ["cache", "show", "abc"],
      ["cache", "show", "word"],
      ["lineage", "abcd", "--depth", "deep"],
    ]
  ) {
    const { code, stdout, stderr } = await folder.run(...args);
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assertMatch(stderr, /^hither: Cannot .*: .*\n$/);
  }
});

Deno.test("show tells all about a record, found by its first digits", async () => {
  await using folder = await project();
  const { halves, total } = folder.keys;
  const text = await folder.good("cache", "show", total.slice(0, 8));
  assertMatch(text, /^cli_total 2\.0\(\[cli_half, cli_half\]\)\n/);
  assertMatch(text, new RegExp(`key +${total}\n`));
  assertMatch(text, /value +\{ total: 4 \}\n/);
  assertMatch(text, /called +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d, took /);
  assertMatch(text, new RegExp(`made from\n  ${halves[0]}\n  ${halves[1]}\n`));
  assertMatch(text, /modules\n( {2}.*\n)* {2}\S*support\.ts {2}[0-9a-f]{64}\n/);
  const half = await folder.good("cache", "show", halves[0].toUpperCase());
  assertMatch(half, /arguments\n {2}args\[0\] {2}3\n/);
  assertMatch(half, /console\n {2}stdout {2}halving 3\n/);
  const large = await folder.good("cache", "show", folder.keys.large);
  assertMatch(large, /value +Float64Array\(100000\)\n/);
  assertMatch(large, /blobs\n {2}[0-9a-f]{64} {2}800 kB\n/);
});

Deno.test("show answers in one document", async () => {
  await using folder = await project();
  const { total, halves, failed } = folder.keys;
  const record = JSON.parse(
    await folder.good("cache", "show", total, "--json"),
  );
  assertEquals(record.key, total);
  assertEquals(record.fn.name, "cli_total");
  assertEquals(record.upstream, halves);
  assertEquals(record.fn.label, "sums");
  assert(Object.keys(record.modules).some((name) => /support\.ts$/.test(name)));
  assertEquals(record.value, { total: 4 });
  const error = JSON.parse(
    await folder.good("cache", "show", failed, "--json"),
  );
  assertEquals(error.status, "error");
  assertMatch(error.inspected, /RangeError: no such thing/);
});

Deno.test("show prints the value or the console alone", async () => {
  await using folder = await project();
  const show = (...args: string[]) => folder.good("cache", "show", ...args);
  const { total, halves, large, failed } = folder.keys;
  assertEquals(await show(total, "--value"), '{\n  "total": 4\n}\n');
  assertEquals(await show(halves[0], "--value"), "1.5\n");
  assertMatch(await show(large, "--value"), /^Float64Array\(100000\) \[/);
  assertMatch(await show(failed, "--value"), /^RangeError: no such thing\n/);
  assertEquals(
    JSON.parse(await show(total, "--value", "--json")),
    { value: { total: 4 } },
  );
  assertEquals(await show(halves[0], "--console"), "halving 3\n");
  const [line] = jsonLines<{ stream: string; text: string }>(
    await show(halves[0], "--console", "--json"),
  );
  assertEquals([line!.stream, line!.text], ["stdout", "halving 3\n"]);
});

Deno.test("a key that no record or several begin with is told", async () => {
  await using folder = await project();
  const one = hi.func("cli_one_of_many", "1", (x: number) => x);
  const jobs = await (async () => {
    await using jobCache = new hi.JobCache({ path: folder.cache });
    return await hi.config({ jobCache }, async () => {
      const jobs = one.map(Array.from({ length: 1_000 }, (_, i) => i));
      await hi.wait();
      return jobs;
    });
  })();
  const byPrefix = Object.groupBy(jobs, ({ key }) => key!.slice(0, 4));
  const [prefix, same] = Object.entries(byPrefix).find(([, same]) =>
    same!.length > 1
  )!;
  const several = await folder.run("cache", "show", prefix);
  assertEquals([several.code, several.stdout], [1, ""]);
  assertMatch(several.stderr, /^hither: Cannot tell which record .*\n/);
  for (const { key } of same!) {
    assertMatch(several.stderr, new RegExp(`\n  ${key}  cli_one_of_many 1`));
  }
  const none = await folder.run("cache", "show", "0".repeat(20));
  assertEquals(none.code, 1);
  assertMatch(none.stderr, /^hither: Cannot find 0+ .*hither cache ls.*\n$/);
});

Deno.test("a value that cannot be read any more is told, not guessed", async () => {
  await using folder = await project();
  damageBlob(folder.cache);
  const shown = await folder.run(
    "cache",
    "show",
    folder.keys.large,
    "--value",
  );
  assertEquals([shown.code, shown.stdout], [1, ""]);
  assertMatch(shown.stderr, /hither: Cannot show the value: /);
});

Deno.test("a value of a class of the user's own names the codec that it needs", async () => {
  await using folder = await project();
  class Point {
    constructor(readonly x: number) {}
  }
  hi.registerCodec({
    name: "cli.Point",
    type: Point,
    encode: ({ x }) => x,
    decode: (x) => new Point(x as number),
  });
  const point = hi.func("cli_point", "1", (x: number) => new Point(x));
  {
    await using jobCache = new hi.JobCache({ path: folder.cache });
    await hi.config({ jobCache }, () => point.run(1));
  }
  const [record] = await folder.list("--function", "cli_point");
  const text = await folder.good("cache", "show", record!.key);
  assertMatch(text, /value +cannot be shown: .*cli\.Point/);
  const json = JSON.parse(
    await folder.good("cache", "show", record!.key, "--json"),
  );
  assertMatch(json.unreadable, /cli\.Point/);
  const alone = await folder.run("cache", "show", record!.key, "--value");
  assertEquals([alone.code, alone.stdout], [1, ""]);
  assertMatch(
    alone.stderr,
    /^hither: Cannot show the value: .*cli\.Point.*\n$/,
  );
});

Deno.test("stats counts, by function too", async () => {
  await using folder = await project();
  const text = await folder.good("cache", "stats");
  assertMatch(text, /records +5\n/);
  assertMatch(text, /blobs +1\n/);
  assertMatch(text, /saved by hits +0ms\n/);
  assertMatch(text, /cli_half +1 +2 +0 /);
  const stats = JSON.parse(await folder.good("cache", "stats", "--json"));
  assertEquals(stats.path, folder.cache);
  assertEquals([stats.records, stats.blobs], [5, 1]);
  assert(stats.bytes > 800_000);
  assert(stats.oldest <= stats.newest);
  const half = stats.functions.find(({ name }: { name: string }) =>
    name === "cli_half"
  );
  assertEquals([half.version, half.records, half.errors], ["1", 2, 0]);
});

Deno.test("the time that hits have saved is counted", async () => {
  await using folder = await project();
  const savedSoFar = async () =>
    JSON.parse(await folder.good("cache", "stats", "--json")).saved;
  const sleep = hi.func("cli_sleep", "1", async (ms: number) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
  });
  const run = async (ms: number) => {
    await using jobCache = new hi.JobCache({ path: folder.cache });
    await sleep.with({ jobCache }).run(ms);
  };
  await run(150);
  assertEquals(await savedSoFar(), 0);
  await run(150);
  const saved = await savedSoFar();
  assert(saved >= 149, `${saved} ms`);
});

Deno.test("a cache that cannot be read ends with 1, whatever the answer", async () => {
  for (const command of [["ls"], ["stats", "--json"]]) {
    await using folder = await temporaryFolder();
    await makeCache(folder.path);
    const database = `${folder.path}/cache.sqlite`;
    const bytes = await Deno.readFile(database);
    await Deno.writeFile(database, bytes.fill(88, 0, 100));
    const { code, stderr } = await hither([
      "cache",
      ...command,
      "--cache",
      folder.path,
    ]);
    assertEquals(code, 1);
    assertMatch(stderr, /^hither: the cache in .*\n$/);
  }
});

Deno.test("verify finds nothing in a whole cache", async () => {
  await using folder = await project();
  assertMatch(
    await folder.good("cache", "verify"),
    /^5 records and 1 blob, .* read\ndamaged: 0 records, 0 blobs; /,
  );
  const report = JSON.parse(await folder.good("cache", "verify", "--json"));
  assertEquals([report.records, report.badBlobs], [5, 0]);
});

Deno.test("verify ends with 1 where it finds damage, once", async () => {
  await using folder = await project();
  damageBlob(folder.cache);
  const { code, stdout } = await folder.run("cache", "verify", "--json");
  const report = JSON.parse(stdout);
  assertEquals([code, report.badBlobs, report.badRecords], [1, 1, 1]);
  assertEquals((await folder.run("cache", "verify")).code, 0);
  assertEquals((await folder.list("--function", "cli_large")).length, 0);
});

Deno.test("rm deletes by key and by choice, and says what", async () => {
  await using folder = await project();
  const { failed, halves } = folder.keys;
  assertEquals(
    await folder.good("cache", "rm", "--failed", "--dry-run"),
    `${failed}\n`,
  );
  assertEquals((await folder.list()).length, 5);
  assertEquals(
    await folder.good("cache", "rm", failed.slice(0, 12)),
    `${failed}\n`,
  );
  const deleted = jsonLines<{ key: string }>(
    await folder.good("cache", "rm", "--function", "cli_half", "--json"),
  );
  assertEquals(deleted.map(({ key }) => key).sort(), halves.toSorted());
  assertEquals(namesOf(await folder.list()), ["cli_large", "cli_total"]);
});

Deno.test("an empty value chooses nothing: each command refuses it and deletes nothing", async () => {
  await using folder = await project();
  const filters = ["--function", "--version-of", "--label"];
  const cases = [
    ...["rm", "ls", "export", "import"].flatMap((name) =>
      filters.map((option) => [["cache", name], option] as const)
    ),
    ...filters.map((option) => [["log"], option] as const),
    ...["pin", "unpin"].flatMap((name) =>
      ["--function", "--label"].map((option) =>
        [["cache", name], option] as const
      )
    ),
  ];
  for (const [command, option] of cases) {
    const { code, stdout, stderr } = await folder.run(...command, option, "");
    assertEquals([code, stdout], [2, ""], `${command} ${option}`);
    assertMatch(stderr, new RegExp(`^hither: .* ${option} as it must not be`));
  }
  assertEquals((await folder.list()).length, 5);
  assertEquals(await folder.good("cache", "pins"), "");
});

for (
  const [what, lose] of [
    ["damaged", (database: string) => {
      using file = Deno.openSync(database, { write: true });
      file.writeSync(new TextEncoder().encode("X".repeat(16)));
    }],
    ["emptied", (database: string) => Deno.truncateSync(database)],
    ["replaced by a folder", (database: string) => {
      Deno.removeSync(database);
      Deno.mkdirSync(database);
    }],
  ] as const
) {
  Deno.test(`verify ends with 1 where the whole database is ${what}, and says so once`, async () => {
    await using folder = await project();
    lose(`${folder.cache}/cache.sqlite`);
    const { code, stdout, stderr } = await folder.run("cache", "verify");
    assertEquals(code, 1);
    assertMatch(stdout, /the database was damaged/);
    assertMatch(stderr, /^hither: .* was moved to .*quarantine.*\n$/);
    assertEquals((await folder.run("cache", "verify")).code, 0);
  });
}

Deno.test("The database of another program makes every command end with 1 and one line, and stays as it is", async () => {
  await using folder = await project();
  const path = `${folder.path}/others`;
  await Deno.mkdir(path);
  const database = `${path}/cache.sqlite`;
  {
    using db = new DatabaseSync(database);
    db.exec("CREATE TABLE notes (text); INSERT INTO notes VALUES ('diary')");
  }
  const before = await Deno.readFile(database);
  for (
    const command of [
      "ls",
      "stats",
      "stats --json",
      "gc",
      "verify",
      "pin --label a",
      `import ${folder.cache}`,
      `export ${folder.path}/public`,
    ]
  ) {
    const { code, stdout, stderr } = await folder.run(
      "cache",
      ...command.split(" "),
      "--cache",
      path,
    );
    assertEquals([code, stdout], [1, ""], command);
    assertMatch(
      stderr,
      /^hither: .*cache\.sqlite is a SQLite database of another program.* or move that file away\n$/,
    );
  }
  assertEquals(filesOf(path), ["cache.sqlite"]);
  assertEquals(await Deno.readFile(database), before);
});

Deno.test("Of a cache that cannot be read nothing is counted or copied, and the exit code is 1", async () => {
  await using folder = await project();
  Deno.truncateSync(`${folder.cache}/cache.sqlite`, 8_192);
  for (const command of ["ls", "stats", "stats --json", "export public"]) {
    const { code, stdout, stderr } = await folder.run(
      "cache",
      ...command.split(" "),
    );
    assertEquals([code, stdout], [1, ""], command);
    assertMatch(stderr, /^hither: .*malformed\n/);
  }
});

Deno.test("gc spares blobs without a record for the time of --grace", async () => {
  await using folder = await project();
  const blob = `${folder.cache}/blobs/ab/${"cd".repeat(31)}`;
  await Deno.mkdir(`${folder.cache}/blobs/ab`, { recursive: true });
  await Deno.writeTextFile(blob, "of a job that is being stored");
  assertMatch(await folder.good("cache", "gc"), / and 0 blobs/);
  assertMatch(
    await folder.good("cache", "gc", "--grace", "0s"),
    / and 1 blob,/,
  );
  await Deno.writeTextFile(blob, "of another");
  assertMatch(await folder.good("cache", "gc", "--grace", "0"), / and 1 blob,/);
});

Deno.test("gc deletes what is over the limits, but nothing pinned", async () => {
  await using folder = await project();
  const { large, total } = folder.keys;
  const kept = JSON.parse(
    await folder.good("cache", "gc", "--max-size", "1GB", "--json"),
  );
  assertEquals([kept.records, kept.blobs], [0, 0]);
  await folder.good("cache", "pin", large, "--function", "cli_total");
  const missed = await folder.run("cache", "gc", "--max-size", "500kB");
  assertMatch(missed.stderr, /which is more than maxSize .* is pinned/);
  assertEquals(missed.code, 0);
  assert((await folder.list()).some(({ key }) => key === large));
  await folder.good("cache", "unpin", large.slice(0, 6));
  assertMatch(
    (await folder.run("cache", "gc", "--max-size", "1")).stdout,
    /^deleted \d+ records? and \d+ blobs?, .*; .* left\n$/,
  );
  assertEquals((await folder.list()).map(({ key }) => key), [total]);
});

Deno.test("pins are listed, and taken away", async () => {
  await using folder = await project();
  const { total } = folder.keys;
  assertEquals(
    await folder.good(
      "cache",
      "pin",
      total.slice(0, 8),
      "--function",
      "cli_half",
      "--label",
      "paper",
    ),
    `key  ${total}\nfunction  cli_half\nlabel  paper\n`,
  );
  const pins = jsonLines<{ kind: string; value: string }>(
    await folder.good("cache", "pins", "--json"),
  );
  assertEquals(
    pins.map(({ kind, value }) => `${kind} ${value}`).sort(),
    ["function cli_half", `key ${total}`, "label paper"],
  );
  const pinned = (await folder.list()).filter(({ pinned }) => pinned);
  assertEquals(namesOf(pinned), ["cli_total", "cli_half", "cli_half"]);
  assertEquals(await folder.good("cache", "unpin", total), `key  ${total}\n`);
  const again = await folder.run("cache", "unpin", total);
  assertEquals(again.code, 1);
  assertMatch(again.stderr, /^hither: Cannot unpin .* hither cache pins.*\n$/);
  assertEquals(
    await folder.good("cache", "unpin", "--label", "paper"),
    "label  paper\n",
  );
  assertEquals(await folder.good("cache", "pins"), "function  cli_half\n");
});

Deno.test("looking changes nothing in the folder", async () => {
  await using folder = await project();
  // SQLite's index beside the database comes and goes.
  const files = () =>
    filesOf(folder.cache).filter((name) => !/-(wal|shm)$/.test(name));
  const database = () => Deno.readFileSync(`${folder.cache}/cache.sqlite`);
  const before = [files(), database()];
  for (
    const args of [
      ["cache", "ls"],
      ["cache", "show", folder.keys.large],
      ["cache", "stats"],
      ["cache", "pins"],
      ["log"],
      ["lineage", folder.keys.total],
    ]
  ) await folder.good(...args);
  assertEquals([files(), database()], before);
});

testBoth(
  "where nothing may be written, each change is refused in one line",
  async (layout) => {
    await using folder = await temporaryFolder({ "deno.json": "{}" });
    const path = `${folder.path}/cache`;
    const seven = hi.func("cli_readonly_" + layout, "1", () => 7);
    {
      await using jobCache = new hi.JobCache({ path, layout });
      await hi.config({ jobCache }, () => seven.run());
    }
    const run = async (command: string, ...args: string[]) => {
      const output = await new Deno.Command(command, { args }).output();
      return new TextDecoder().decode(output.stderr);
    };
    await run("chmod", "-R", "a-w", path);
    const [command, ...prefix] = [...withoutPrivileges()!, Deno.execPath()];
    const fn = ["--function", "cli_readonly_" + layout];
    for (const what of [["verify"], ["gc"], ["pin", ...fn], ["rm", ...fn]]) {
      const args = [...commandLine(), "cache", ...what, "--cache", path];
      assertMatch(
        await run(command!, ...prefix, ...args),
        /^hither: Cannot [a-z ]+ the cache in \S+ as it is read-only\n$/,
      );
    }
    await run("chmod", "-R", "u+w", path);
  },
  { ignore: withoutPrivileges() === undefined },
);

Deno.test({
  name: "a folder that may not be read is not said to be without a cache",
  ignore: withoutPrivileges() === undefined,
  async fn() {
    await using folder = await temporaryFolder();
    await makeCache(folder.path);
    await Deno.chmod(folder.path, 0);
    const [command, ...prefix] = [...withoutPrivileges()!, Deno.execPath()];
    const { code, stderr } = await new Deno.Command(command!, {
      args: [
        ...prefix,
        ...commandLine(),
        "cache",
        "ls",
        "--cache",
        folder.path,
      ],
    }).output();
    await Deno.chmod(folder.path, 0o700);
    assertEquals(code, 1);
    assertMatch(
      new TextDecoder().decode(stderr),
      /^hither: Cannot open .* as you may not read that folder: .*\n$/,
    );
  },
});
