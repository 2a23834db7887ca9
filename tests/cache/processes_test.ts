import { assert, assertEquals } from "@std/assert";
import { TextLineStream } from "./lines.ts";
import { runChild, spawnChild } from "./children.ts";
import {
  captureWarnings,
  judge,
  keyOf,
  makeFolder,
  openStore,
  recordOf,
  testBoth,
} from "./support.ts";

testBoth(
  "Programs that store at the same time lose nothing",
  async (layout) => {
    await using folder = await makeFolder();
    const ranges = [[0, 60], [40, 100], [80, 140]];
    const children = ranges.map(([from, to]) =>
      runChild(["store", folder.path, `${from}`, `${to}`], { layout })
    );
    for (const { answer, stderr } of await Promise.all(children)) {
      assert(
        (answer as string[]).every((verdict) => verdict === "hit"),
        `${answer}`,
      );
      assertEquals(stderr, "");
    }
    using store = openStore(folder.path, { layout });
    for (let n = 0; n < 140; n++) assertEquals(judge(store, n), "hit");
    assertEquals(store.stats().records, 140);
  },
);

testBoth("A program sees at once what another one stores", async (layout) => {
  await using folder = await makeFolder();
  using store = openStore(folder.path, { layout });
  assertEquals(judge(store, 5), "miss");
  await runChild(["store", folder.path, "5", "6"], { layout });
  assertEquals(judge(store, 5), "hit");
});

testBoth(
  "A program that is killed while it stores leaves no torn record",
  async (layout) => {
    await using folder = await makeFolder();
    let next = 0;
    for (let round = 0; round < 5; round++) {
      const child = spawnChild(["endless", folder.path, `${next}`], { layout });
      const lines = child.stdout
        .pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
      let last = -1;
      for await (const line of lines) {
        last = Number(line);
        // At another point of its work each time.
        if (last === next + 15 + 7 * round) child.kill("SIGKILL");
      }
      await child.status;
      await child.stdin.close().catch(() => {});
      assert(last >= next + 15);
      using store = openStore(folder.path, { layout });
      for (let n = 0; n <= last; n++) assertEquals(judge(store, n), "hit");
      next = last + 1;
      assert(["hit", "miss"].includes(judge(store, next)));
    }
  },
);

Deno.test("A store that finds the database busy is done when it is free", async () => {
  await using folder = await makeFolder();
  using store = openStore(folder.path);
  store.store(recordOf(0));
  const child = spawnChild(["hold", folder.path]);
  const reader = child.stdout.getReader();
  await reader.read();
  let stored = false;
  const storing = [1, 2, 8].map((n) =>
    Promise.resolve(store.store(recordOf(n))).then(() => stored = true)
  );
  // Reading goes on meanwhile.
  assertEquals([judge(store, 0), judge(store, 1)], ["hit", "miss"]);
  await new Promise((resolve) => setTimeout(resolve));
  assert(!stored);
  await child.stdin.close();
  await Promise.all(storing);
  await store.settled();
  assertEquals([1, 2, 8].map((n) => judge(store, n)), ["hit", "hit", "hit"]);
  await reader.cancel();
  await child.status;
});

Deno.test("A program goes on while another one replaces the damaged database", async () => {
  await using folder = await makeFolder();
  using _quiet = captureWarnings();
  {
    using store = openStore(folder.path);
    for (let n = 0; n < 30; n++) await store.store(recordOf(n));
  }
  // Garbage in the root of the index of keys, which both will meet.
  using file = Deno.openSync(`${folder.path}/cache.sqlite`, { write: true });
  file.seekSync(2 * 4_096, Deno.SeekMode.Start);
  file.writeSync(new Uint8Array(4_096).fill(0xa5));
  using a = openStore(folder.path);
  using b = openStore(folder.path);
  // Both have the database open before either looks at the damaged page.
  for (const store of [a, b]) {
    assert(
      store.nearest(
        "function_0",
        { parts: [], distanceOf: () => 0 },
        "",
        Date.now(),
      ) !== undefined,
    );
  }
  for (const store of [a, b]) {
    for (let n = 0; n < 30; n++) assertEquals(judge(store, n), "hit");
  }
  for (let n = 30; n < 40; n++) await (n % 2 ? a : b).store(recordOf(n));
  for (let n = 0; n < 40; n++) {
    assertEquals([judge(a, n), judge(b, n)], ["hit", "hit"], keyOf(n).toHex());
  }
  const { answer } = await runChild(["judge", folder.path, "0", "40"]);
  assertEquals(answer, Array(40).fill("hit"));
});
