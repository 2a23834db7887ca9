import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Interrupt, UsageError } from "../../cli/errors.ts";
import { lineageOf, treeLines } from "../../cli/lineage.ts";
import { cut, plain, tableLines } from "../../cli/table.ts";
import {
  age,
  duration,
  parseDuration,
  parseSize,
  size,
} from "../../cli/units.ts";
import { isJson } from "../../cli/value.ts";
import type { RecordDescription } from "../../lib/cache/report.ts";
import { deno, ROOT, stdArguments, temporaryFolder } from "../house/run.ts";

Deno.test("sizes are read as they are written, binary and decimal", () => {
  const sizes = {
    "10GB": 10e9,
    "1.5 GiB": 1.5 * 2 ** 30,
    "500kB": 500e3,
    "500 KB": 500e3,
    "2T": 2e12,
    "300000": 300_000,
    "7B": 7,
    [size(1_500_000)]: 1_500_000,
  };
  for (const [text, bytes] of Object.entries(sizes)) {
    assertEquals(parseSize(text), bytes, text);
  }
  for (const text of ["", "GB", "-1GB", "1e9", "10PB", "1,5GB", "ten"]) {
    assertThrows(() => parseSize(text), UsageError, "10GB");
  }
});

Deno.test("lengths of time are read as they are written", async () => {
  const lengths = {
    "30d": 30 * 86_400_000,
    "1.5h": 5_400_000,
    "2w": 14 * 86_400_000,
    "90 minutes": 5_400_000,
    "90m": 5_400_000,
    "3y": 3 * 365.25 * 86_400_000,
  };
  for (const [text, ms] of Object.entries(lengths)) {
    assertEquals(await parseDuration(text), ms, text);
  }
  for (const text of ["", "30", "-3d", "3 fortnights", "d", "soon"]) {
    await assertRejects(() => parseDuration(text), UsageError, "30d");
  }
  await assertRejects(() => parseDuration("3M"), UsageError, "mean months");
});

Deno.test("lengths of time are short to read", () => {
  const shown = [0, 0.0421, 0.5, 12.4, 999.9, 1_234, 93_784_000].map(duration);
  assertEquals([age(9, 900), age(0, 59_000), age(0, 7_300_000)], [
    "now",
    "59s",
    "2h",
  ]);
  assertEquals(shown, ["0ms", "42µs", "500µs", "12ms", "1s", "1.2s", "1d 2h"]);
});

Deno.test("tables count wide characters as two columns, and keep to the width", () => {
  const lines = tableLines(
    [
      { title: "NAME", cell: (text: string) => text },
      { title: "N", align: "right", cell: (text) => String(text.length) },
    ],
    ["数据", "data", "a\nb"],
  );
  assertEquals(lines.slice(1), ["数据    2", "data    4", "a\\x0ab  3"]);
  const long = tableLines(
    [
      { title: "NAME", cell: (text: string) => text },
      { title: "N", cell: (text) => String(text.length) },
    ],
    ["n".repeat(100_000), "data"],
  );
  assertEquals(long.slice(1), [
    `${"n".repeat(99)}…  100000`,
    `${"data".padEnd(100)}  4`,
  ]);
  assertEquals(cut("数据数据", 5), "数据…");
  assertEquals(cut("short", 5), "short");
  assertEquals(plain("\x1b[2J\u009b"), "\\x1b[2J\\x9b");
});

Deno.test("JSON is what nothing of is lost in JSON", () => {
  const shared = [1];
  const plainValues = [null, true, 1.5, "text", [1, [2]], { a: { b: [] } }, {
    x: shared,
    y: shared,
  }];
  for (const value of plainValues) assertEquals(isJson(value), true);
  const others = [
    undefined,
    -0,
    NaN,
    1n,
    [, 1],
    { a: undefined },
    new Map(),
    new Date(0),
    new Uint8Array(1),
    "\ud800",
    Object.assign([1], { extra: 1 }),
    Object.create(null),
    { toJSON: 1 },
    [[-0]],
  ];
  for (const value of others) assertEquals(isJson(value), false);
});

Deno.test({
  name: "Ctrl-C aborts what can be interrupted, whatever it makes of that",
  ignore: Deno.build.os === "windows",
  async fn() {
    // In a process of its own, as the one that runs tests ends itself.
    await using folder = await temporaryFolder({
      "press.ts": `
        import { interruptible } from "${ROOT}cli/interrupt.ts";
        const press = async (signal) => {
          const aborted = Promise.withResolvers();
          signal.addEventListener("abort", aborted.resolve);
          Deno.kill(Deno.pid, "SIGINT");
          await aborted.promise;
        };
        const fail = async (signal) => {
          await press(signal);
          throw new Error("ended early");
        };
        for (const work of [press, fail, () => Promise.resolve("done")]) {
          console.log(await interruptible(work).catch((error) => error.message));
        }`,
    });
    const { stdout } = await deno([
      "run",
      "-A",
      "--no-check",
      ...stdArguments(),
      `${folder.path}/press.ts`,
    ]);
    const message = new Interrupt().message;
    assertEquals(stdout, `${message}\n${message}\ndone\n`);
  },
});

/** A cache in which each job was made from others. */
function madeFrom(upstream: Record<string, string[]>) {
  return (key: string) =>
    upstream[key] &&
    { key, upstream: upstream[key] } as unknown as RecordDescription;
}

Deno.test("a lineage draws a shared job once, and says where it is lost", () => {
  const nodes = lineageOf(
    "top",
    madeFrom({
      top: ["left", "right", "left"],
      left: ["base"],
      right: ["base", "gone"],
      base: ["root"],
      root: [],
    }),
  );
  assertEquals(
    Array.from(
      treeLines("top", nodes),
      ({ indent, node: { key, record }, again }) =>
        `${indent}${key}${again ? " again" : ""}${record ? "" : " lost"}`,
    ),
    [
      "top",
      "├─ left",
      "│  └─ base",
      "│     └─ root",
      "└─ right",
      "   ├─ base again",
      "   └─ gone lost",
    ],
  );
  assertEquals(nodes.get("base")!.depth, 2);
});

Deno.test("a lineage ends at its depth", () => {
  const describe = madeFrom({ a: ["b"], b: ["c"], c: [] });
  assertEquals([...lineageOf("a", describe, 1).keys()], ["a", "b"]);
});

Deno.test("a lineage of many jobs in a chain needs no deep stack", () => {
  const length = 20_000;
  const nodes = lineageOf(
    "0",
    (key) =>
      madeFrom({ [key]: Number(key) < length ? [`${+key + 1}`] : [] })(key),
  );
  let lines = 0;
  for (const _ of treeLines("0", nodes)) {
    if (++lines === 1_000) break;
  }
  assertEquals([nodes.size, lines], [length + 1, 1_000]);
});
