// Quick jobs one after the other: the thread that runs them waits for the next one.
import { assert, assertEquals } from "@std/assert";
import { inPool } from "../parallel/pool.ts";
import * as f from "./fixtures/functions.ts";

Deno.test("what a job has left behind gets its turn while quick jobs come one after the other", () =>
  inPool({ numWorkers: 1, isolation: "process" }, async () => {
    let beats = 0;
    for (let i = 0; i < 300; i++) beats = await f.beatsLeft.run();
    // All but what the last few jobs have left.
    assert(beats > 200, `${beats} of 300`);
  }));

Deno.test("short jobs and long ones reach a process one after the other", () =>
  inPool({ numWorkers: 1, isolation: "process" }, async () => {
    for (let i = 0; i < 50; i++) {
      assertEquals(await f.add.run(i, 1), i + 1);
      assertEquals(
        (await f.twice.run(new Float64Array(10_000).fill(i)))[9],
        2 * i,
      );
    }
  }));
