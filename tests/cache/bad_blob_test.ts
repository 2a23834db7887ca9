import { assert, assertEquals } from "@std/assert";
import { immutable, runChild, withoutPrivileges } from "./children.ts";
import type { Layout } from "../../lib/cache/folder.ts";
import {
  captureWarnings,
  damageBlob,
  judge,
  makeFolder,
  openStore,
  recordOf,
  testBoth,
} from "./support.ts";

/** A record whose only leaf is a blob. */
const LARGE = 8;

/** A folder with one blob, which is damaged. */
async function fillAndDamage(path: string, layout: Layout): Promise<string> {
  {
    using store = openStore(path, { layout });
    await store.store(recordOf(LARGE));
  }
  return damageBlob(path);
}

const canBeImmutable = await (async () => {
  await using folder = await makeFolder();
  using pinned = immutable(folder.path);
  return pinned !== undefined;
})();

testBoth(
  "A result is not stored on top of a damaged blob that nobody can move",
  async (layout) => {
    await using folder = await makeFolder();
    using warnings = captureWarnings();
    const path = await fillAndDamage(folder.path, layout);
    using store = openStore(folder.path, { layout });
    {
      using _pinned = immutable(path);
      assertEquals(judge(store, LARGE), "lost");
      for (let i = 0; i < 3; i++) {
        assertEquals(await store.store(recordOf(LARGE)), undefined);
        assertEquals(judge(store, LARGE), "miss");
      }
    }
    const notStored = warnings.lines.filter((line) =>
      line.includes("not stored")
    );
    assertEquals(notStored.length, 1);
    assert(notStored[0]!.includes(path));
    // As soon as it can be replaced, it is.
    assert(await store.store(recordOf(LARGE)) !== undefined);
    assertEquals(judge(store, LARGE), "hit");
  },
  { ignore: !canBeImmutable },
);

const prefix = withoutPrivileges();

testBoth(
  "A result is not stored on top of a bad blob in a folder that is not ours",
  async (layout) => {
    await using folder = await makeFolder();
    const path = await fillAndDamage(folder.path, layout);
    const parent = path.slice(0, path.lastIndexOf("/"));
    const heal = () =>
      runChild(["heal", folder.path, `${LARGE}`, `${LARGE + 1}`], {
        layout,
        prefix: prefix!,
      });
    Deno.chmodSync(parent, 0o555);
    try {
      Deno.chmodSync(path, 0o000);
      const unreadable = await heal();
      assertEquals(unreadable.answer, [["lost", false, "lost"]]);
      Deno.chmodSync(path, 0o644);
      const damaged = await heal();
      assertEquals(damaged.answer, [["lost", false, "miss"]]);
      for (const { stderr } of [unreadable, damaged]) {
        const [line, ...others] = stderr.split("\n").filter((line) =>
          line.includes("not stored")
        );
        assert(line?.includes(path) && others.length === 0, stderr);
      }
    } finally {
      Deno.chmodSync(parent, 0o755);
    }
  },
  { ignore: prefix === undefined },
);

testBoth(
  "A blob that cannot be read is replaced where that can be done",
  async (layout) => {
    await using folder = await makeFolder();
    const path = await fillAndDamage(folder.path, layout);
    Deno.chmodSync(path, 0o000);
    const { answer } = await runChild(
      ["heal", folder.path, `${LARGE}`, `${LARGE + 1}`],
      { layout, prefix: prefix! },
    );
    assertEquals(answer, [["lost", true, "hit"]]);
  },
  { ignore: prefix === undefined },
);
