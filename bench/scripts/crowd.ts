/**
 * PROCESSES programs store COUNT new jobs each at once, with one cache in FOLDER, and
 * `@std` from STD; prints the µs for each store of all. One that fails, or warns, ends
 * this one.
 */

import { fromFileUrl } from "@std/path";
import { JobCache } from "@hither/hither";
import { type StdSource, withStd } from "../../tools/deno.ts";

const [processes, count, path = "", std] = Deno.args;
const member = fromFileUrl(new URL("store_from.ts", import.meta.url));

async function store(from: number): Promise<void> {
  const args = ["run", "-A", member, count!, String(from), path];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: withStd(std as StdSource, args),
  }).output();
  const said = new TextDecoder().decode(stderr);
  if (!success || said !== "") throw new Error(`a program failed: ${said}`);
}

const all = Number(processes) * Number(count);
const start = performance.now();
await Promise.all(
  Array.from(
    { length: Number(processes) },
    (_, i) => store(i * Number(count)),
  ),
);
const time = performance.now() - start;
await using jobCache = new JobCache({ path });
if (jobCache.stats().records !== all) throw new Error("a record is missing");
console.log(time * 1_000 / all);
