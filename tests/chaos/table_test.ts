import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { ROOT } from "../house/run.ts";
import { FAILURES, PLACES } from "./failures.ts";
import { rows } from "./table.ts";

Deno.test("the table in docs/reliability.md is the one from which the tests are made (deno run -A tests/chaos/write_table.ts)", async () => {
  const text = await Deno.readTextFile(join(ROOT, "docs/reliability.md"));
  const [, part] = text.split(/<!-- (?:end of )?table -->/);
  const lines = part!.split("\n").filter((line) => line.startsWith("|"));
  const read = lines.map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
  const [head, rule, ...body] = read;
  assertEquals(rule!.every((cell) => /^-+$/.test(cell)), true);
  assertEquals([head, ...body], rows());
});

Deno.test("only hot loops, Atomics.wait, memory and SIGSEGV are for processes only", () => {
  const only = FAILURES.filter(({ cells }) =>
    PLACES.some((place) => cells[place]?.processOnly)
  );
  assertEquals(only.map(({ id }) => id), [
    "hot loop",
    "Atomics.wait",
    "SIGSEGV",
    "memory",
  ]);
});
