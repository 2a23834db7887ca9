// Large arguments that many jobs have in common.
import { assert, assertEquals } from "@std/assert";
import { inPool } from "../parallel/pool.ts";
import * as f from "./fixtures/functions.ts";

const values = new Float64Array(1_000_000).map((_, i) => i);

Deno.test("an array that many jobs take comes to a process once", () =>
  inPool({ numWorkers: 1, isolation: "process" }, async () => {
    const before = await f.bytesRead.run(new Float64Array(), 0);
    const jobs = Array.from(
      { length: 8 },
      (_, i) => f.bytesRead.run(values, i),
    );
    const read = await Promise.all(jobs);
    assert(Math.min(...read) - before > values.byteLength);
    assert(Math.max(...read) - before < 2 * values.byteLength);
  }));

Deno.test("when no job has it any more, it is forgotten, and comes again when it is wanted", () =>
  inPool({ numWorkers: 1, isolation: "process" }, async () => {
    for (let i = 0; i < 3; i++) {
      const before = await f.bytesRead.run(new Float64Array(), -i);
      const read = await Promise.all(
        [1, 2, 3, 4].map((x) => f.bytesRead.run(values, 10 * i + x)),
      );
      assert(Math.min(...read) - before > values.byteLength);
      assert(Math.max(...read) - before < 2 * values.byteLength);
    }
  }));

Deno.test("a process with a limit of memory keeps nothing for jobs to come", () =>
  inPool({ numWorkers: 1, isolation: "process" }, async () => {
    const limited = f.bytesRead.with({ memory: 2 ** 29 });
    const before = await limited.run(new Float64Array(), 0);
    const read = await Promise.all(
      [1, 2, 3].map((x) => limited.run(values, x)),
    );
    assertEquals(
      read.map((bytes) => Math.floor((bytes - before) / values.byteLength)),
      [1, 2, 3],
    );
  }));
