import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";
import * as f from "./fixtures/large.ts";
import { inPool } from "./pool.ts";

/** 16 MB: without a cache nobody computes its digest. */
const LENGTH = 2_000_000;

for (const isolation of ["worker", "process"] as const) {
  for (const held of [f.held, f.heldLater]) {
    Deno.test(`a worker holds one large argument at a time, and none that is spent (${held.name}, ${isolation})`, () =>
      inPool({ numWorkers: 1, isolation }, async () => {
        const array = new Float64Array(4 * LENGTH);
        for (let i = 0; i < 8; i++) {
          const bytes = await held.run(array, i);
          assert(bytes < 2 * array.byteLength, `${bytes} in job ${i}`);
        }
      }));
  }

  Deno.test(`what a function keeps of its arguments stays as it is (${isolation})`, () =>
    inPool({ numWorkers: 1, isolation }, async () => {
      const array = new Float64Array(2 * LENGTH);
      for (let i = 0; i < 4; i++) {
        assertEquals(
          await f.keeps.with({ cache: false }).run(array, i),
          Array.from({ length: i + 1 }, (_, i) => i),
        );
      }
    }));

  Deno.test(`a job with large arguments has the same key with and without a cache (${isolation})`, async () => {
    await using folder = await temporaryFolder();
    await inPool({ numWorkers: 1, isolation }, async () => {
      const jobCache = new hi.JobCache({ path: folder.path });
      const array = new Float64Array(LENGTH).fill(2);
      const cached = f.keyOf.with({ jobCache }).run(array);
      assertEquals(await cached, cached.key);
      const plain = f.keyOf.run(array);
      assertEquals(await plain, cached.key);
      assertEquals(plain.key, cached.key);
      // The second one is sent from shared memory, where there is any.
      const [one, two] = [f.keyOf.run(array, 1), f.keyOf.run(array, 2)];
      assertEquals([await one, await two], [one.key, two.key]);
      await jobCache[Symbol.asyncDispose]();
    });
  });

  Deno.test(`a key that can no more be computed is a named error, and never another key (${isolation})`, () =>
    inPool({ numWorkers: 1, isolation }, async () => {
      const array = new Float64Array(LENGTH);
      const job = f.keyWhenChanged.run(array);
      await assertRejects(
        () => job.then(),
        hi.ArgumentChangedError,
        "large_key_when_changed 1",
      );
      assertEquals(job.key?.length, 64);
      const other = f.sum.run(array, 1);
      await other;
      array[7] = 7;
      assertEquals(other.key, undefined);
    }));

  Deno.test(`a large array that is written to before its job starts is a named error (${isolation})`, () =>
    inPool({ numWorkers: 1, isolation }, async () => {
      const array = new Float64Array(LENGTH);
      const job = f.sum.run(array, 0);
      array[LENGTH - 1] = 1;
      await assertRejects(() => job.then(), hi.ArgumentChangedError, "args[0]");
      assertEquals(await f.sum.run(array, 0), 1);
    }));

  for (const caching of [false, true]) {
    const how = `${isolation}, ${caching ? "with" : "without"} a cache`;
    Deno.test(`no job is given what was written to an array after it was submitted (${how})`, async () => {
      await using folder = await temporaryFolder();
      await using jobCache = new hi.JobCache({ path: folder.path });
      await inPool(
        { numWorkers: 2, isolation },
        () =>
          hi.config(caching ? { jobCache } : {}, async () => {
            // Where workers are ready, jobs are sent before the turn has ended.
            const small = new Float64Array(1);
            await Promise.all([f.sum.run(small, 1), f.sum.run(small, 2)]);
            // With digests, and with marks where there is no cache.
            for (const length of [LENGTH / 100, LENGTH]) {
              const arrays = [1, 2, 4, 5].map((value) =>
                new Float64Array(length).fill(value)
              );
              arrays.push(arrays[0]!, arrays[0]!);
              const jobs = arrays.map((array, i) => f.sum.run(array, i));
              const expected = arrays.map((array, i) => array[0]! * length + i);
              for (const array of arrays) array.fill(3);
              const ends = await Promise.allSettled(jobs);
              for (const [i, end] of ends.entries()) {
                // Of an array that was met before there is a copy.
                if (end.status === "fulfilled") {
                  assertEquals(end.value, expected[i]);
                } else assertInstanceOf(end.reason, hi.ArgumentChangedError);
              }
            }
          }),
      );
    });
  }

  Deno.test(`identical jobs with large arguments share one run without a cache (${isolation})`, () =>
    inPool({ numWorkers: 1, isolation }, async () => {
      const array = new Float64Array(LENGTH).fill(3);
      const jobs = [array, array, array.slice()].map((it) => f.counts.run(it));
      assertEquals(await Promise.all(jobs), [1, 1, 1]);
      assertEquals(await f.counts.run(array), 2);
    }));

  Deno.test(`a worker with more memory than it may keep is replaced (${isolation})`, () => {
    const maxMemoryPerWorker = 400_000_000;
    return inPool(
      { numWorkers: 1, isolation, maxMemoryPerWorker },
      async () => {
        for (const [binary, numbers] of [[150_000_000, 0], [0, 150_000_000]]) {
          const hoards = f.hoards.with({ cache: false });
          const counts: number[] = [];
          while (counts.length < 2 || counts.at(-1)! > 1) {
            counts.push(await hoards.run(binary!, numbers!));
            assert(counts.length < 9, `no worker was replaced: ${counts}`);
          }
          assert(counts.length > 3, `replaced too early: ${counts}`);
        }
      },
    );
  });

  Deno.test(`a worker with nothing but garbage is not replaced (${isolation})`, () =>
    inPool(
      { numWorkers: 1, isolation, maxMemoryPerWorker: 300_000_000 },
      async () => {
        const litters = f.litters.with({ cache: false });
        for (let i = 1; i <= 6; i++) {
          assertEquals(await litters.run(250_000_000), i);
        }
      },
    ));
}

Deno.test("arrays with the same mark are told apart", () =>
  inPool({ numWorkers: 1, isolation: "worker" }, async () => {
    const one = new Float64Array(LENGTH).fill(4);
    const other = one.slice();
    const bytes = new Uint8Array(other.buffer);
    // The generator of CRC-32 (ISO 3309), highest power first: added to any message it changes nothing.
    [...(0x1_04C1_1DB7).toString(2)].forEach((bit, i) => {
      if (bit === "1") bytes[i >> 3]! ^= 1 << (i & 7);
    });
    const jobs = [one, other, one, other].map((it) => f.keyOf.run(it));
    const keys = await Promise.all(jobs);
    assertNotEquals(keys[0], keys[1]);
    assertEquals(keys.slice(2), keys.slice(0, 2));
    // Also where one of them is in shared memory.
    const busy = f.sum.run(one, 1);
    const sums = [one, one, other, one, other].map((it, i) =>
      f.sum.run(it, i + 2)
    );
    const expected = (array: Float64Array, more: number) =>
      array.reduce((sum, it) => sum + it, more);
    assertEquals(await busy, expected(one, 1));
    assertEquals(
      await Promise.all(sums),
      [one, one, other, one, other].map((it, i) => expected(it, i + 2)),
    );
  }));
