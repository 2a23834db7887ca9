import { assertEquals, assertMatch } from "@std/assert";
import { temporaryFolder } from "../house/run.ts";
import { hither, jsonLines, makeCache } from "./support.ts";

async function filled() {
  const folder = await temporaryFolder({ "deno.json": "{}" });
  const keys = await makeCache(`${folder.path}/.hither`);
  const good = async (...args: string[]) => {
    const { code, stdout, stderr } = await hither(args, { cwd: folder.path });
    assertEquals([code, stderr], [0, ""], args.join(" "));
    return stdout;
  };
  return Object.assign(folder, { keys, good });
}

Deno.test("log has a line for each of the latest records", async () => {
  await using folder = await filled();
  const lines = (await folder.good("log")).trimEnd().split("\n");
  assertEquals(lines.length, 5);
  assertMatch(
    lines[0]!,
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}[0-9a-f]{12} {2}\S+ {2}error .*s {2}cli_fails 1\("no such thing"\)$/,
  );
  assertMatch(lines[4]!, / ok .* cli_half 1\([35]\)$/);
  const two = jsonLines<{ key: string }>(
    await folder.good("log", "--limit", "2", "--json"),
  );
  assertEquals(two.map(({ key }) => key), [
    folder.keys.failed,
    folder.keys.large,
  ]);
  const failed = await folder.good("log", "--failed");
  assertEquals(failed.split("\n").length, 2);
});

Deno.test("lineage draws the jobs that made a value", async () => {
  await using folder = await filled();
  const { total, halves } = folder.keys;
  const [root, first, second, ...rest] = (await folder.good("lineage", total))
    .split("\n");
  assertMatch(
    root!,
    new RegExp(
      `^cli_total 2\\.0\\(.*\\)  ${total.slice(0, 12)}  code [0-9a-f]{12}  \\d`,
    ),
  );
  assertMatch(
    first!,
    new RegExp(`^├─ cli_half 1\\(3\\)  ${halves[0].slice(0, 12)}`),
  );
  assertMatch(
    second!,
    new RegExp(`^└─ cli_half 1\\(5\\)  ${halves[1].slice(0, 12)}`),
  );
  assertEquals(rest, [""]);
  assertEquals(
    (await folder.good("lineage", total, "--depth", "0")).split("\n").length,
    2,
  );
});

Deno.test("lineage in JSON has nodes and edges", async () => {
  await using folder = await filled();
  const { total, halves } = folder.keys;
  const graph = JSON.parse(await folder.good("lineage", total, "--json"));
  assertEquals(graph.root, total);
  assertEquals(
    graph.nodes.map(({ key, depth, missing }: Record<string, unknown>) => [
      key,
      depth,
      missing,
    ]),
    [[total, 0, false], [halves[0], 1, false], [halves[1], 1, false]],
  );
  assertEquals(graph.nodes[1].fn.name, "cli_half");
  assertEquals(graph.edges, halves.map((to) => ({ from: total, to })));
});

Deno.test("lineage says which jobs the cache has lost", async () => {
  await using folder = await filled();
  const { total, halves } = folder.keys;
  await folder.good("cache", "rm", halves[0]);
  assertMatch(
    await folder.good("lineage", total),
    new RegExp(`├─ ${halves[0].slice(0, 12)}  \\(not in this cache\\)\n`),
  );
  const graph = JSON.parse(await folder.good("lineage", total, "--json"));
  assertEquals(graph.nodes[1], { key: halves[0], depth: 1, missing: true });
});

Deno.test("lineage as a Mermaid graph leads from the arguments to the value", async () => {
  await using folder = await filled();
  const lines = (await folder.good("lineage", folder.keys.total, "--mermaid"))
    .trimEnd().split("\n");
  assertEquals(lines[0], "flowchart BT");
  assertMatch(lines[1]!, /^ {2}j0\["cli_total 2\.0<br>.*<br>.*"\]$/);
  assertEquals(lines.slice(4), ["  j1 --> j0", "  j2 --> j0"]);
});
