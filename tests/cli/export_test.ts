import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import * as hi from "@hither/hither";
import { damageBlob, filesOf, testBoth } from "../cache/support.ts";
import { temporaryFolder } from "../house/run.ts";
import { hither, makeCache } from "./support.ts";

/** A project with a filled cache, and the command in it. */
async function project() {
  const folder = await temporaryFolder({ "deno.json": "{}" });
  const keys = await makeCache(`${folder.path}/.hither`);
  const run = (...args: string[]) =>
    hither(["cache", ...args], { cwd: folder.path });
  const good = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args);
    assertEquals([code, stderr], [0, ""], args.join(" "));
    return stdout;
  };
  return Object.assign(folder, { keys, run, good });
}

Deno.test("export makes a folder that is a cache and an upstream, and then adds what is new", async () => {
  await using folder = await project();
  const { path, keys } = folder;
  assertMatch(
    await folder.good("export", "public"),
    /^5 records: 5 written with 1 blob, \d+ kB\n$/,
  );
  assertMatch(
    await folder.good("export", "public"),
    /^5 records: all are there already\n$/,
  );
  const report = JSON.parse(await folder.good("export", "public", "--json"));
  assertEquals(report, {
    records: 5,
    written: 0,
    blobs: 0,
    bytes: 0,
    failed: 0,
  });
  assertMatch(
    await folder.good("show", "--cache", "public", keys.total),
    /value +\{ total: 4 \}/,
  );
  await using jobCache = new hi.JobCache({
    path: `${path}/mine`,
    upstream: [`${path}/public`],
  });
  await hi.config({ jobCache }, async () => {
    const job = hi.run("cli_large", 100_000);
    assertEquals((await job as Float64Array)[0], 1);
    assert(job.cached);
  });
});

Deno.test("export chooses as other commands do", async () => {
  await using folder = await project();
  for (
    const [args, count] of [
      [["--function", "cli_half"], 2],
      [["--label", "sums"], 1],
      [["--failed"], 1],
      [["--version-of", "2.0"], 1],
      [["--function", "none"], 0],
    ] as const
  ) {
    const to = `to ${args.join(" ")}`;
    const { code, stdout, stderr } = await folder.run(
      "export",
      to,
      "--json",
      ...args,
    );
    const { records, written } = JSON.parse(stdout);
    assertEquals([code, records, written], [0, count, count]);
    // Whoever mistyped a name is told.
    assertEquals(/no such record in/.test(stderr), count === 0, stderr);
    const jobs = filesOf(`${folder.path}/${to}`)
      .filter((name) => name.startsWith("jobs/"));
    assertEquals(jobs.length, count);
  }
});

Deno.test("keygen writes a key that nobody else can read, and export signs with it", async () => {
  await using folder = await project();
  const publicKey = (await folder.good("keygen", "key.pem")).trim();
  assertMatch(publicKey, /^ed25519:[A-Za-z0-9+/]{43}=$/);
  if (Deno.build.os !== "windows") {
    const { mode } = await Deno.stat(`${folder.path}/key.pem`);
    assertEquals(mode! & 0o777, 0o600);
  }
  const again = await folder.run("keygen", "key.pem");
  assertEquals(again.code, 1);
  assertMatch(again.stderr, /as it exists: name another file/);
  const other = JSON.parse(await folder.good("keygen", "other.pem", "--json"));

  await folder.good("export", "public", "--sign", "key.pem");
  const refused = await folder.good(
    ..."import public --cache theirs --trust".split(" "),
    other.publicKey,
  );
  assertEquals(
    refused,
    "5 records: 0 new, 5 not signed by a trusted key\n",
  );
  const taken = await folder.good(
    ..."import public --json --cache theirs --trust".split(" "),
    other.publicKey,
    "--trust",
    publicKey,
  );
  assertEquals(JSON.parse(taken), {
    records: 5,
    imported: 5,
    untrusted: 0,
    failed: 0,
  });
  const wrong = await folder.run("export", "public", "--sign", "deno.json");
  assertEquals(wrong.code, 1);
  assertMatch(wrong.stderr, /deno\.json must hold a private key of Ed25519/);
});

Deno.test("import takes in a folder of either layout, once", async () => {
  await using folder = await project();
  await folder.good("export", "public", "--function", "cli_half");
  assertEquals(
    await folder.good("import", "public", "--cache", "theirs"),
    "2 records: 2 new\n",
  );
  assertEquals(
    await folder.good("import", ".hither", "--cache", "theirs"),
    "5 records: 3 new\n",
  );
  assertEquals(
    await folder.good("import", ".hither", "--cache", "theirs"),
    "5 records: 0 new\n",
  );
});

Deno.test("what is damaged is counted, and the exit code is 1", async () => {
  await using folder = await project();
  damageBlob(`${folder.path}/.hither`);
  for (
    const args of [["export", "public"], ["import", ".hither", "--cache", "b"]]
  ) {
    const { code, stdout, stderr } = await folder.run(...args);
    assertEquals(code, 1);
    assertMatch(stdout, /^5 records: 4 /);
    assertMatch(stderr, /1 of 5 records were not (ex|im)ported/);
  }
});

testBoth(
  "of a damaged blob nobody says that a job is run where none is",
  async (layout) => {
    await using folder = await project();
    if (layout === "files") await folder.good("export", "from");
    else await Deno.rename(`${folder.path}/.hither`, `${folder.path}/from`);
    const path = damageBlob(`${folder.path}/from`);
    for (
      const args of [["export", "to", "--cache", "from"], [
        "import",
        "from",
        "--cache",
        "b",
      ]]
    ) {
      const { stderr } = await folder.run(...args);
      assertStringIncludes(stderr, path);
      assertMatch(
        stderr,
        /^hither: .*: its record is not used\nhither: 1 of 5/,
      );
    }
  },
);

Deno.test("what cannot be done says why in one line", async () => {
  await using folder = await project();
  for (
    const [args, code, message] of [
      [["export"], 2, /missing required argument 'folder'/],
      [["import", "none"], 1, /there is no cache in .*none/],
      [
        ["import", "https://host/cache"],
        2,
        /a server does not list its records: read through it/,
      ],
      [["import", "public", "--trust", "key"], 2, /as a key in trust must be/],
      [["export", ".hither"], 1, /as that is the cache itself/],
      [
        ["export", "deno.json"],
        1,
        /^hither: Cannot export to .* as it must be a folder: it is a file\n$/,
      ],
      [["export", "http://host/cache"], 2, /as it must be a folder/],
      [["keygen", "no/such/key"], 1, /Cannot write a new key to no\/such\/key/],
    ] as const
  ) {
    const ended = await folder.run(...args);
    assertEquals([ended.code, ended.stdout], [code, ""], args.join(" "));
    assertMatch(ended.stderr, /^(hither: .*\n)+$/);
    assertMatch(ended.stderr, message);
  }
  assertEquals(
    (await folder.run("export", "public", "--cache", "none")).code,
    1,
  );
});

Deno.test("export, import and keygen complete and explain themselves", async () => {
  await using folder = await project();
  const offered = async (...words: string[]) =>
    (await hither(["complete", "--", ...words], { cwd: folder.path })).stdout;
  assertMatch(await offered("cache", "exp"), /^export\t/);
  assertEquals(await offered("cache", "export", ""), ":folders\n");
  assertEquals(await offered("cache", "import", ""), ":folders\n");
  assertEquals(await offered("cache", "export", "--sign", ""), ":files\n");
  assertEquals(await offered("cache", "keygen", ""), ":files\n");
  assertMatch(
    await offered("cache", "export", "--function", "cli_h"),
    /^cli_half\t/,
  );
  for (const name of ["export", "import", "keygen"]) {
    assertMatch(await folder.good(name, "--help"), /Examples:\n {2}# /);
  }
});
