import { assert, assertEquals, assertThrows } from "@std/assert";
import { CacheError } from "../../lib/errors.ts";
import {
  captureWarnings,
  filesOf,
  judge,
  makeFolder,
  openStore,
  recordOf,
} from "./support.ts";

const SMALL = 1;
const LARGE = 8;

/** Holds the lock of a folder as another program would while it replaces the database. */
function holdLock(path: string): Disposable {
  const file = Deno.openSync(`${path}/lock`, {
    read: true,
    write: true,
    create: true,
  });
  file.lockSync(true);
  return file;
}

/** Lets the clock jump while it is in use. */
function jumpClock(ms: number): Disposable {
  const { now } = performance;
  performance.now = () => now.call(performance) + ms;
  return { [Symbol.dispose]: () => void (performance.now = now) };
}

for (const state of ["new", "filled"]) {
  Deno.test(`A ${state} cache that another program has locked is used as soon as it is free`, async () => {
    await using folder = await makeFolder();
    using warnings = captureWarnings();
    if (state === "filled") {
      using store = openStore(folder.path);
      store.store(recordOf(0));
    }
    using store = openStore(folder.path);
    let storing: unknown[];
    {
      using _lock = holdLock(folder.path);
      assertEquals(judge(store, 0), "miss");
      storing = [SMALL, LARGE].map((n) => store.store(recordOf(n)));
      assert(storing.every((stored) => stored instanceof Promise));
    }
    const [, large] = await Promise.all(storing);
    assert(large !== undefined);
    assertEquals([judge(store, SMALL), judge(store, LARGE)], ["hit", "hit"]);
    assertEquals(judge(store, 0), state === "filled" ? "hit" : "miss");
    assertEquals(warnings.lines, []);
  });
}

Deno.test("A program does without a cache that stays locked, and says so once", async () => {
  await using folder = await makeFolder();
  using warnings = captureWarnings();
  using _lock = holdLock(folder.path);
  using store = openStore(folder.path);
  assertEquals(judge(store, SMALL), "miss");
  const storing = [SMALL, LARGE].map((n) => store.store(recordOf(n)));
  {
    using _later = jumpClock(60_000);
    assertEquals(judge(store, SMALL), "miss");
  }
  assertEquals(await Promise.all(storing), [undefined, undefined]);
  assertEquals(store.store(recordOf(SMALL)), undefined);
  assertEquals(await store.store(recordOf(LARGE)), undefined);
  assertEquals(warnings.lines.length, 1);
  assert(warnings.lines[0]!.includes("lock"), warnings.lines[0]);
  assert(warnings.lines[0]!.includes(folder.path));
});

Deno.test("A read-only cache that another program has locked stores nothing, and is read when it is free", async () => {
  await using folder = await makeFolder();
  {
    using store = openStore(folder.path);
    store.store(recordOf(SMALL));
  }
  const before = filesOf(folder.path);
  using store = openStore(folder.path, { readonly: true });
  {
    using _lock = holdLock(folder.path);
    assertEquals(judge(store, SMALL), "miss");
    assertEquals(await store.store(recordOf(LARGE)), undefined);
  }
  assertEquals(filesOf(folder.path), before);
  assertEquals(judge(store, SMALL), "hit");
});

Deno.test("What a user asks of a locked cache throws", async () => {
  await using folder = await makeFolder();
  using _lock = holdLock(folder.path);
  using store = openStore(folder.path);
  assertThrows(() => store.clear(), CacheError, "lock");
});

Deno.test("A damaged database that another program has locked is replaced when it is free", async () => {
  await using folder = await makeFolder();
  using warnings = captureWarnings();
  {
    using store = openStore(folder.path);
    for (let n = 0; n < 30; n++) await store.store(recordOf(n));
  }
  using store = openStore(folder.path);
  // Opens the database, and does not look at that page.
  assertEquals(
    store.nearest("nobody", { parts: [], distanceOf: () => 0 }, "", Date.now()),
    undefined,
  );
  // Garbage in the root of the index of keys.
  {
    using file = Deno.openSync(`${folder.path}/cache.sqlite`, { write: true });
    file.seekSync(2 * 4_096, Deno.SeekMode.Start);
    file.writeSync(new Uint8Array(4_096).fill(0xa5));
  }
  {
    using _lock = holdLock(folder.path);
    assertEquals(judge(store, SMALL), "miss");
  }
  assertEquals(judge(store, SMALL), "hit");
  assert(warnings.lines.some((line) => line.includes("was moved to")));
});
