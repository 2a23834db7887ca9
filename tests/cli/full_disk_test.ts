import { assertEquals, assertMatch } from "@std/assert";
import * as hi from "@hither/hither";
import { canMount, inNamespace } from "../cache/children.ts";
import { testBoth } from "../cache/support.ts";
import { temporaryFolder } from "../house/run.ts";
import { commandLine } from "./support.ts";

const COUNT = 20;
const array = hi.func(
  "full_array",
  "1",
  (n: number) => new Uint8Array(100_000).fill(n),
);
const text = hi.func(
  "full_text",
  "1",
  (n: number) => String.fromCharCode(65 + n).repeat(1_000),
);

/** What a command printed, and its exit code. */
interface Said {
  code: number;
  out: string;
}

/** Runs commands one after the other with a copy of a cache on a disk that something else fills. */
async function onFullDisk(
  layout: "sqlite" | "files",
  commands: string[][],
): Promise<Said[]> {
  await using folder = await temporaryFolder();
  const { path } = folder;
  await Deno.mkdir(`${path}/disk`);
  {
    await using jobCache = new hi.JobCache({ path: `${path}/made`, layout });
    await hi.config({ jobCache }, async () => {
      for (let n = 0; n < COUNT; n++) {
        await Promise.all([array.run(n), text.run(n)]);
      }
    });
  }
  const quote = (word: string) => `'${word}'`;
  const script = commands.map((args, i) =>
    [
      Deno.execPath(),
      ...commandLine(),
      "cache",
      ...args,
      "--cache",
      `${path}/disk/c`,
    ]
      .map(quote).join(" ") + ` >${path}/${i} 2>&1; echo $? >${path}/${i}.code`
  ).join("\n");
  const [command, ...prefix] = inNamespace(
    `mount -t tmpfs -o size=6m none ${path}/disk; cp -r ${path}/made ${path}/disk/c; dd if=/dev/zero of=${path}/disk/ballast bs=4k status=none 2>/dev/null || true`,
  );
  await new Deno.Command(command!, { args: [...prefix, "sh", "-c", script] })
    .output();
  return commands.map((_, i) => ({
    code: Number(Deno.readTextFileSync(`${path}/${i}.code`)),
    out: Deno.readTextFileSync(`${path}/${i}`),
  }));
}

const WITHOUT_MOUNT = { ignore: !canMount() };

testBoth("gc makes a cache on a full disk smaller", async (layout) => {
  const [looked, gone, sound, count] = await onFullDisk(layout, [
    ["verify"],
    ["gc", "--max-size", "300kB"],
    ["verify"],
    ["stats", "--json"],
  ]);
  assertMatch(looked!.out, /^40 records and 20 blobs/);
  assertEquals([looked!.code, gone!.code], [0, 0], gone!.out);
  assertMatch(gone!.out, /^deleted \d+ records and 1[789] blobs/);
  assertMatch(sound!.out, /damaged: 0 records, 0 blobs; blobs gone: 0;/);
  assertEquals(sound!.code, 0);
  const { bytes } = JSON.parse(count!.out);
  assertEquals(bytes <= 300_000, true, `${bytes}`);
}, WITHOUT_MOUNT);

testBoth(
  "rm deletes on a full disk, and gc frees what that leaves",
  async (layout) => {
    const [removed, collected, sound] = await onFullDisk(layout, [
      ["rm", "--function", "full_array"],
      ["gc", "--grace", "0s"],
      ["verify"],
    ]);
    assertEquals(removed!.code, 0, removed!.out);
    assertEquals(removed!.out.trim().split("\n").length, COUNT);
    assertMatch(collected!.out, /^deleted 0 records and 20 blobs/);
    assertMatch(sound!.out, /^20 records and 0 blobs/);
    assertEquals(sound!.code, 0);
  },
  WITHOUT_MOUNT,
);

Deno.test({
  name:
    "where the newest entries cannot be merged, it is told how much must be freed",
  ...WITHOUT_MOUNT,
  async fn() {
    await using folder = await temporaryFolder();
    const { path } = folder;
    await Deno.mkdir(`${path}/killed`);
    {
      await using jobCache = new hi.JobCache({ path: `${path}/made` });
      await hi.config({ jobCache }, async () => {
        for (let n = 0; n < 500; n++) await text.run(n);
      });
      // As a program leaves it that is killed.
      for (const name of ["cache.sqlite", "cache.sqlite-wal"]) {
        await Deno.copyFile(`${path}/made/${name}`, `${path}/killed/${name}`);
      }
    }
    const { size } = await Deno.stat(`${path}/killed/cache.sqlite-wal`);
    const room = 4_096 * Math.ceil(size / 4_096) + 131_072;
    const [command, ...prefix] = inNamespace(
      `mount -t tmpfs -o size=${room} none ${path}/made; cp ${path}/killed/* ${path}/made; dd if=/dev/zero of=${path}/made/ballast bs=4k status=none 2>/dev/null || true`,
    );
    for (const what of [["gc", "--max-size", "50kB"], ["verify"]]) {
      const { code, stderr } = await new Deno.Command(command!, {
        args: [
          ...prefix,
          Deno.execPath(),
          ...commandLine(),
          "cache",
          ...what,
          "--cache",
          `${path}/made`,
        ],
      }).output();
      const said = new TextDecoder().decode(stderr);
      assertEquals(code, 1, said);
      assertMatch(
        said,
        /as its disk is full, and .*: free \d+ bytes on the disk/,
      );
    }
  },
});

Deno.test({
  name:
    "keygen leaves no file where a key does not fit, so that the next try may use the name",
  ...WITHOUT_MOUNT,
  async fn() {
    await using folder = await temporaryFolder();
    const { path } = folder;
    await Deno.mkdir(`${path}/disk`);
    const keygen = [
      Deno.execPath(),
      ...commandLine(),
      "cache",
      "keygen",
      `${path}/disk/key.pem`,
    ].map((word) => `'${word}'`).join(" ");
    const [command, ...prefix] = inNamespace(
      `mount -t tmpfs -o size=1m none ${path}/disk; dd if=/dev/zero of=${path}/disk/ballast bs=4k status=none 2>/dev/null || true`,
    );
    const { stdout, stderr } = await new Deno.Command(command!, {
      args: [
        ...prefix,
        "sh",
        "-c",
        `${keygen}; echo code $?; ls ${path}/disk; rm ${path}/disk/ballast; ${keygen}; echo code $?; cat ${path}/disk/key.pem`,
      ],
    }).output();
    const said = new TextDecoder().decode(stderr);
    assertMatch(
      said,
      /^hither: Cannot write a new key to \S+key\.pem: No space left on device[^\n]*\n$/,
    );
    assertMatch(
      new TextDecoder().decode(stdout),
      /^code 1\nballast\ned25519:\S+\ncode 0\n-----BEGIN PRIVATE KEY-----\n[^]*END/,
    );
  },
});
