import { assert, assertEquals, assertThrows } from "@std/assert";
import { CacheError } from "../../lib/errors.ts";
import { fileSystemOf } from "../../lib/cache/network_disk.ts";
import { canMount, inNamespace, runChild } from "./children.ts";
import {
  captureWarnings,
  filesOf,
  judge,
  keyOf,
  LAYOUTS,
  makeFolder,
  openStore,
  recordOf,
  testBoth,
} from "./support.ts";

testBoth("A cache keeps the layout that it was made with", async (layout) => {
  await using folder = await makeFolder();
  using warnings = captureWarnings();
  {
    using store = openStore(folder.path, { layout });
    store.store(recordOf(1));
  }
  for (const wanted of ["auto", layout] as const) {
    using store = openStore(folder.path, { layout: wanted });
    assertEquals(judge(store, 1), "hit");
  }
  const files = filesOf(folder.path);
  assertEquals(files.includes("cache.sqlite"), layout === "sqlite");
  const hex = keyOf(1).toHex();
  const record = `jobs/${hex.slice(0, 2)}/${hex.slice(2)}`;
  assertEquals(files.includes(record), layout === "files");
  assertEquals(warnings.lines, []);
});

testBoth(
  "Asking for another layout than the one that is there names the cure",
  async (layout) => {
    await using folder = await makeFolder();
    {
      using store = openStore(folder.path, { layout });
      store.store(recordOf(1));
    }
    const [other] = LAYOUTS.filter((each) => each !== layout);
    assertThrows(
      () => openStore(folder.path, { layout: other! }),
      CacheError,
      `with layout: "${other}"`,
    );
  },
);

Deno.test("A new cache on a disk of this machine is one SQLite file", async () => {
  await using folder = await makeFolder();
  using warnings = captureWarnings();
  using store = openStore(folder.path);
  store.store(recordOf(1));
  assert(filesOf(folder.path).includes("cache.sqlite"));
  assertEquals(warnings.lines, []);
});

Deno.test({
  name:
    "A new cache on a network disk keeps a file for each record, and says why",
  ignore: !canMount(),
  async fn() {
    await using folder = await makeFolder();
    // The type is what counts: the list of mounts is replaced by one that says so.
    const mounts = await Deno.makeTempFile();
    await Deno.writeTextFile(
      mounts,
      `30 1 0:1 / / rw - ext4 /dev/sda rw
31 30 0:2 / ${folder.path} rw - nfs4 server:/export rw
`,
    );
    const prefix = inNamespace(
      `mount --bind ${mounts} /proc/$$/mountinfo`,
    );
    const { answer, stderr } = await runChild(
      ["store", `${folder.path}/cache`, "0", "3"],
      { prefix, layout: "auto" as never },
    );
    await Deno.remove(mounts);
    assertEquals(answer, ["hit", "hit", "hit"]);
    assert(stderr.includes("on a network disk (nfs4)"), stderr);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
    assert(filesOf(folder.path).includes("cache/layout"));
  },
});

Deno.test("The file system of a path is that of the longest mount point around it", () => {
  const mounts = String
    .raw`22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:20 / /proc rw - proc proc rw
40 22 0:50 / /home rw shared:9 master:2 - nfs4 server:/home rw,vers=4.2
41 40 0:51 / /home/me/scratch\040disk rw - lustre 10.0.0.1@tcp:/x rw
42 22 0:52 / /data rw - ext4 /dev/sdb rw
43 22 0:53 / /data rw - fuse.sshfs me@host:/data rw
`;
  const cases = {
    "/": "ext4",
    "/tmp/cache": "ext4",
    "/home": "nfs4",
    "/homework": "ext4",
    "/home/me/.hither": "nfs4",
    "/home/me/scratch disk/cache": "lustre",
    "/data/cache": "fuse.sshfs",
  };
  for (const [path, type] of Object.entries(cases)) {
    assertEquals(fileSystemOf(path, mounts), type, path);
  }
});
