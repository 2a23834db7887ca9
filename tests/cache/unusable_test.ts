import { assert, assertEquals } from "@std/assert";
import type { Layout } from "../../lib/cache/folder.ts";
import { canMount, inNamespace, runChild, runScript } from "./children.ts";
import {
  captureWarnings,
  filesOf,
  judge,
  makeFolder,
  openStore,
  recordOf,
  testBoth,
} from "./support.ts";

const WITHOUT_MOUNT = { ignore: !canMount() };
const COUNT = 20;
const MISSES = Array(COUNT).fill("miss");
const HITS = Array(COUNT).fill("hit");

/** The one warning that a program printed. */
function onlyWarning(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line.startsWith("hither:"));
  assertEquals(lines.length, 1, stderr);
  return lines[0]!;
}

async function fill(path: string, layout: Layout): Promise<void> {
  using store = openStore(path, { layout });
  for (let n = 0; n < COUNT; n++) await store.store(recordOf(n));
}

/** A folder as a killed program leaves it. */
async function fillKilled(path: string, source: string): Promise<void> {
  using store = openStore(source);
  for (let n = 0; n < COUNT; n++) await store.store(recordOf(n));
  for (const name of ["cache.sqlite", "cache.sqlite-wal"]) {
    await Deno.copyFile(`${source}/${name}`, `${path}/${name}`);
  }
}

testBoth(
  "A folder on a read-only file system gives hits, stores nothing, and warns once",
  async (layout) => {
    await using folder = await makeFolder();
    await fill(folder.path, layout);
    const before = filesOf(folder.path);
    const { answer, stderr } = await runChild(
      ["store", folder.path, "0", `${COUNT + 5}`],
      {
        layout,
        prefix: inNamespace(
          `mount --bind ${folder.path} ${folder.path}; mount -o remount,bind,ro ${folder.path}`,
        ),
      },
    );
    assertEquals(answer, [...HITS, ...Array(5).fill("miss")]);
    const warning = onlyWarning(stderr);
    assert(
      warning.includes(folder.path) && /read-only/i.test(warning),
      warning,
    );
    assertEquals(filesOf(folder.path), before);
  },
  WITHOUT_MOUNT,
);

Deno.test({
  name: "A read-only folder whose newest entries cannot be merged says so",
  ...WITHOUT_MOUNT,
  async fn() {
    await using folder = await makeFolder();
    await using source = await makeFolder();
    await fillKilled(folder.path, source.path);
    const { answer, stderr } = await runChild(
      ["judge readonly", folder.path, "0", `${COUNT}`],
      {
        prefix: inNamespace(
          `mount --bind ${folder.path} ${folder.path}; mount -o remount,bind,ro ${folder.path}`,
        ),
      },
    );
    assertEquals(answer, MISSES);
    assert(onlyWarning(stderr).includes("cache.sqlite-wal"));
  },
});

testBoth("A full disk costs a warning, no result", async (layout) => {
  await using folder = await makeFolder();
  for (const size of ["16k", "100k", "400k"]) {
    const { answer, stderr } = await runChild(
      ["store", folder.path, "0", "1000"],
      {
        layout,
        prefix: inNamespace(
          `mount -t tmpfs -o size=${size} none ${folder.path}`,
        ),
      },
    );
    const verdicts = answer as string[];
    assert(
      verdicts.every((verdict) => verdict === "hit" || verdict === "miss"),
      `${verdicts}`,
    );
    assert(verdicts.includes("miss"));
    assert(onlyWarning(stderr).includes(folder.path));
  }
}, WITHOUT_MOUNT);

Deno.test({
  name:
    "A cache of files with a limit makes room for itself on a full disk, and stores what is new",
  ...WITHOUT_MOUNT,
  async fn() {
    await using folder = await makeFolder();
    for (const [size, kind] of [["2m", "small"], ["6m", "large"]] as const) {
      const { code, stdout, stderr } = await runScript(
        "full_child.ts",
        [folder.path, kind],
        inNamespace(`mount -t tmpfs -o size=${size} none ${folder.path}`),
      );
      assertEquals([code, stderr], [0, ""], kind);
      const { hits, bad, full } = JSON.parse(stdout);
      // The latest are there, and all that is there is sound.
      assertEquals([hits, bad, full], [20, 0, true], kind);
    }
  },
});

testBoth(
  "A folder that is a file costs a warning, no result",
  async (layout) => {
    await using folder = await makeFolder();
    using warnings = captureWarnings();
    const path = `${folder.path}/file`;
    Deno.writeTextFileSync(path, "somebody's");
    for (const below of ["", "/below"]) {
      using store = openStore(path + below, { layout });
      assertEquals(judge(store, 8), "miss");
      assertEquals(await store.store(recordOf(8)), undefined);
      assertEquals(await store.store(recordOf(1)), undefined);
      assertEquals(
        store.nearest(
          "function_1",
          { parts: [], distanceOf: () => 0 },
          "",
          Date.now(),
        ),
        undefined,
      );
      assertEquals(store.stats().records, 0);
    }
    assertEquals(warnings.lines.length, 2);
    assert(warnings.lines.every((line) => line.includes(path)));
    assertEquals(Deno.readTextFileSync(path), "somebody's");
  },
);

testBoth(
  "Without permission to write, there are hits and the flag that is missing",
  async (layout) => {
    await using folder = await makeFolder();
    await fill(folder.path, layout);
    const { answer, stderr } = await runChild(
      ["store", folder.path, "0", `${COUNT + 1}`],
      { permissions: ["--allow-read", "--allow-env"], layout },
    );
    assertEquals(answer, [...HITS, "miss"]);
    assert(onlyWarning(stderr).includes(`--allow-write=${folder.path}`));
  },
);

testBoth(
  "Without any permission there are misses and the flags that are missing",
  async (layout) => {
    await using folder = await makeFolder();
    await fill(folder.path, layout);
    const { answer, stderr } = await runChild(
      ["store", folder.path, "0", `${COUNT}`],
      { permissions: [], layout },
    );
    assertEquals(answer, MISSES);
    const { path } = folder;
    const flags = `--allow-read=${path} --allow-write=${path}`;
    assert(onlyWarning(stderr).includes(flags));
  },
);

testBoth("A read-only cache wants no permission to write", async (layout) => {
  await using folder = await makeFolder();
  await fill(folder.path, layout);
  const { answer, stderr } = await runChild(
    ["judge readonly", folder.path, "0", `${COUNT}`],
    { permissions: [], layout },
  );
  assertEquals(answer, MISSES);
  const warning = onlyWarning(stderr);
  assert(warning.includes(`--allow-read=${folder.path}`));
  assert(!warning.includes("--allow-write"));
});

testBoth("Permission for the folder alone is enough", async (layout) => {
  await using folder = await makeFolder();
  const { answer, stderr } = await runChild(
    ["store", folder.path, "0", `${COUNT}`],
    {
      layout,
      permissions: [
        `--allow-read=${folder.path}`,
        `--allow-write=${folder.path}`,
      ],
    },
  );
  assertEquals(answer, HITS);
  assertEquals(stderr, "");
});
