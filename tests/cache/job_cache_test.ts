import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { toFileUrl } from "@std/path";
import { CacheError } from "../../lib/errors.ts";
import { JobCache, recordStoreOf } from "../../lib/cache/job_cache.ts";
import type { CollectOptions, WorkOptions } from "../../lib/cache/report.ts";
import {
  captureWarnings,
  filesOf,
  judge,
  keyOf,
  makeFolder,
  recordOf,
  testBoth,
} from "./support.ts";

testBoth("Making a cache touches no disk", async (layout) => {
  await using folder = await makeFolder();
  const path = `${folder.path}/cache`;
  {
    await using cache = new JobCache({ layout, path });
    assertEquals(cache.path, path);
    recordStoreOf(cache);
  }
  assertEquals(filesOf(folder.path), []);
});

testBoth("A cache tells git and people what its folder is", async (layout) => {
  await using folder = await makeFolder();
  const path = `${folder.path}/new/cache`;
  await using cache = new JobCache({ layout, path });
  cache.stats();
  assertEquals(Deno.readTextFileSync(`${path}/.gitignore`), "*\n");
  assert(Deno.readTextFileSync(`${path}/README.md`).includes("may be deleted"));
});

testBoth(
  "A folder with other things in it is not hidden from git",
  async (layout) => {
    await using folder = await makeFolder();
    Deno.writeTextFileSync(`${folder.path}/notes.txt`, "");
    await using cache = new JobCache({ layout, path: folder.path });
    cache.stats();
    assert(!filesOf(folder.path).includes(".gitignore"));
  },
);

Deno.test("The path may be a URL or relative", async () => {
  await using folder = await makeFolder();
  const url = toFileUrl(`${folder.path}/a b#c`);
  await using cache = new JobCache({ path: url });
  assertEquals(cache.path, `${folder.path}/a b#c`);
  cache.stats();
  assert(filesOf(`${folder.path}/a b#c`).includes("cache.sqlite"));
  await using text = new JobCache({ path: url.href });
  assertEquals(text.path, cache.path);
  await using relative = new JobCache({ path: "some/where" });
  assertEquals(relative.path, `${Deno.cwd()}/some/where`);
});

/** The files of a cache with their contents, but for what SQLite makes while it reads. */
function contentOf(path: string): [string, string][] {
  return filesOf(path).filter((name) => !/-(wal|shm)$/.test(name))
    .map((name) => [name, Deno.readFileSync(`${path}/${name}`).toHex()]);
}

Deno.test("Wrong options are refused with their value", () => {
  const wrong: [unknown, string][] = [
    [{ path: 5 }, "path must be a path or a file: URL: current value is 5"],
    [{ path: "" }, 'current value is ""'],
    [{ path: "a\0b" }, 'without NUL characters: current value is "a\\u0000b"'],
    [{ path: "file:///a%00b" }, "without NUL characters"],
    [
      { path: "file:///a%ffb" },
      "percent-encoding: current value is file:///a%",
    ],
    [
      { path: "file://tmp/x" },
      "must name no host: current value is file://tmp/",
    ],
    [
      { path: "http://a/b" },
      "current value is http://a/b, which is not on a disk: name a folder",
    ],
    [{ path: "S3://a/b" }, "not on a disk"],
    [{ path: null }, "current value is null"],
    [
      { path: new URL("https://example.com/") },
      "current value is https://example.com/",
    ],
    [{ readonly: "yes" }, "readonly must be a boolean: current value is yes"],
    [{ layout: "tree" }, 'layout must be "auto", "sqlite" or "files": current'],
    [null, "options must be an object: current value is null"],
    ["folder", "options must be an object: current value is folder"],
    [{ folder: "x" }, "folder"],
  ];
  for (const [options, message] of wrong) {
    assertThrows(() => new JobCache(options as never), TypeError, message);
  }
});

testBoth(
  "Those who look after a cache are told of options that it does not have, and end at once",
  async (layout) => {
    await using folder = await makeFolder();
    await using jobCache = new JobCache({ path: folder.path, layout });
    const typo = { maxsize: 1 } as CollectOptions;
    await assertRejects(
      () => jobCache.gc(typo),
      TypeError,
      "no option maxsize",
    );
    await assertRejects(
      () => jobCache.verify(null as unknown as WorkOptions),
      TypeError,
      "must be an object: current value is null",
    );
    const signal = AbortSignal.abort(new Error("enough"));
    await assertRejects(() => jobCache.gc({ signal }), Error, "enough");
    await assertRejects(() => jobCache.verify({ signal }), Error, "enough");
    const long = assertThrows(() => jobCache.delete("x".repeat(100_000)));
    assert((long as Error).message.length < 300);
    for (const verb of ["delete", "describe"] as const) {
      for (const [given, said] of [[5, "5"], [{ key: 6 }, "6"]]) {
        assertThrows(
          () => jobCache[verb](given as string),
          TypeError,
          `current value is ${said}`,
        );
      }
    }
  },
);

testBoth("A job is deleted by itself or by its key", async (layout) => {
  await using folder = await makeFolder();
  await using cache = new JobCache({ layout, path: folder.path });
  const store = recordStoreOf(cache);
  for (const n of [1, 2, 3]) store.store(recordOf(n));
  const [one, two] = [keyOf(1).toHex(), keyOf(2).toHex()];
  assertEquals(
    [cache.delete(one), cache.delete(one), cache.delete({ key: two })],
    [true, false, true],
  );
  assertEquals([1, 2, 3].map((n) => judge(store, n)), ["miss", "miss", "hit"]);
  for (const key of ["abc", one.toUpperCase(), { key: undefined }, undefined]) {
    assertThrows(
      () => cache.delete(key as string),
      TypeError,
      "key must be 64 hexadecimal digits",
    );
  }
});

testBoth("A read-only cache gives hits and changes nothing", async (layout) => {
  await using folder = await makeFolder();
  {
    await using cache = new JobCache({ layout, path: folder.path });
    recordStoreOf(cache).store(recordOf(1));
  }
  const before = contentOf(folder.path);
  await using cache = new JobCache({
    layout,
    path: folder.path,
    readonly: true,
  });
  const store = recordStoreOf(cache);
  assertEquals(await store.store(recordOf(2)), undefined);
  assertEquals(await store.store(recordOf(8)), undefined);
  assertEquals([1, 2, 8].map((n) => judge(store, n)), ["hit", "miss", "miss"]);
  assertThrows(() => cache.clear(), CacheError, "readonly: true");
  assertThrows(() => cache.delete(keyOf(1).toHex()), CacheError, folder.path);
  assertEquals(contentOf(folder.path), before);
});

testBoth(
  "A read-only cache that does not exist warns once and is not made",
  async (layout) => {
    await using folder = await makeFolder();
    using warnings = captureWarnings();
    const path = `${folder.path}/none`;
    await using cache = new JobCache({ layout, path, readonly: true });
    for (const n of [1, 2]) {
      assertEquals(
        judge(recordStoreOf(cache), n),
        "miss",
      );
    }
    assertEquals(warnings.lines.length, 1);
    assert(warnings.lines[0]!.includes(path));
    assertEquals(filesOf(folder.path), []);
  },
);

Deno.test("A damaged row of a read-only cache is a miss and stays where it is", async () => {
  await using folder = await makeFolder();
  {
    await using cache = new JobCache({ path: folder.path });
    recordStoreOf(cache).store(recordOf(1));
  }
  const { DatabaseSync } = await import("node:sqlite");
  {
    using db = new DatabaseSync(`${folder.path}/cache.sqlite`);
    db.exec("UPDATE records SET body = zeroblob(30)");
  }
  using warnings = captureWarnings();
  await using cache = new JobCache({ path: folder.path, readonly: true });
  for (const _ of [1, 2]) assertEquals(judge(recordStoreOf(cache), 1), "miss");
  assertEquals(warnings.lines.length, 1);
  assertEquals(cache.stats().records, 1);
});

testBoth("Disposing waits for what is being stored", async (layout) => {
  await using folder = await makeFolder();
  {
    await using cache = new JobCache({ layout, path: folder.path });
    recordStoreOf(cache).store(recordOf(7));
    recordStoreOf(cache).store(recordOf(8));
  }
  await using cache = new JobCache({ layout, path: folder.path });
  const store = recordStoreOf(cache);
  assertEquals([7, 8].map((n) => judge(store, n)), ["hit", "hit"]);
});

testBoth(
  "A cache that was disposed of opens again when it is used",
  async (layout) => {
    await using folder = await makeFolder();
    await using cache = new JobCache({ layout, path: folder.path });
    await recordStoreOf(cache).store(recordOf(1));
    await cache[Symbol.asyncDispose]();
    await recordStoreOf(cache).store(recordOf(2));
    assertEquals(cache.stats().records, 2);
  },
);
