import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotStrictEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { join } from "@std/path";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";
import * as f from "./fixtures/transfer.ts";
import { filled, inPlace, LENGTH, PLACES } from "./places.ts";
import { failureOf, inPool } from "./pool.ts";
import { receive, withWorkers } from "./workers.ts";

for (const place of PLACES) {
  Deno.test(`an array that is given away is empty when run() returns, and the job has it (${place})`, () =>
    inPlace(place, async () => {
      const array = filled(3);
      const job = f.double.run(hi.transfer(array));
      assertEquals([array.length, array.buffer.detached], [0, true]);
      const doubled = await job;
      assertEquals([doubled.length, doubled[0], doubled.at(-1)], [
        LENGTH,
        6,
        6,
      ]);
      assertEquals(job.getResult(), doubled);
    }));

  Deno.test(`small arrays and those inside of objects, lists and Maps are given away too (${place})`, () =>
    inPlace(place, async () => {
      const [small, large, ofMap] = [filled(1, 4), filled(2), filled(3)];
      const kept = filled(4);
      const job = f.sums.run({
        list: hi.transfer([small, large]),
        map: new Map([["a", hi.transfer(ofMap)], ["b", kept]]),
      });
      const lengths = [small, large, ofMap, kept].map(({ length }) => length);
      assertEquals(lengths, [0, 0, 0, LENGTH]);
      assertEquals(await job, [4, 2 * LENGTH, 3 * LENGTH, 4 * LENGTH]);
    }));

  Deno.test(`a hit gives the same, under the same key, and takes the array too (${place})`, () =>
    inPlace(place, async () => {
      await using folder = await temporaryFolder();
      await using jobCache = new hi.JobCache({ path: folder.path });
      const double = f.double.with({ jobCache });
      const first = double.run(hi.transfer(filled(3)));
      assertEquals((await first)[0], 6);
      const array = filled(3);
      const second = double.run(hi.transfer(array));
      assertEquals([second.cached, array.length], [true, 0]);
      assertEquals((await second).at(-1), 6);
      const plain = double.run(filled(3));
      assertEquals([plain.cached, plain.key, second.key], [
        true,
        first.key,
        first.key,
      ]);
      // Not the array that somebody has and may write to.
      (await first).fill(0);
      assertEquals((await double.run(filled(3)))[0], 6);
      assertEquals(await f.sum.with({ jobCache }).run(first), 6 * LENGTH);
    }));

  Deno.test(`a result that is given away leaves its function, and nothing else does (${place})`, () =>
    inPlace(place, async () => {
      const { given, lent } = await f.givesKept.run();
      assertEquals([given.length, given[0]], [LENGTH, 1]);
      assertEquals([lent.length, lent[0]], [LENGTH, 2]);
      assertEquals(
        await f.keptLengths.run(),
        [0, LENGTH],
      );
    }));

  Deno.test(`a function gives away nothing of a caller that keeps its array (${place})`, () =>
    inPlace(place, async () => {
      const array = filled(5);
      const echoed = await f.echo.run(array);
      assertEquals([array.length, array[0]], [LENGTH, 5]);
      assertNotStrictEquals(echoed.buffer, array.buffer);
      assertEquals(echoed, array);
    }));

  Deno.test(`jobs that share a result each have one of their own (${place})`, () =>
    inPlace(place, async () => {
      const [one, other] = await Promise.all([f.makes.run(1), f.makes.run(1)]);
      one.fill(0);
      assertEquals([other.length, other[0]], [LENGTH, 1]);
      await using folder = await temporaryFolder();
      await using jobCache = new hi.JobCache({ path: folder.path });
      const jobs = [1, 1].map((x) =>
        f.double.with({ jobCache }).run(hi.transfer(filled(x)))
      );
      const [first, second] = await Promise.all(jobs);
      first!.fill(0);
      assertEquals([second!.length, second![0]], [LENGTH, 2]);
    }));

  Deno.test(`a result that is given away can be an argument of other jobs (${place})`, () =>
    inPlace(place, async () => {
      const doubled = f.double.run(hi.transfer(filled(1)));
      const later = f.sum.run(doubled);
      const twice = f.double.run(doubled);
      assertEquals((await doubled)[0], 2);
      assertEquals([await later, (await twice)[0]], [2 * LENGTH, 4]);
      assertEquals(await f.sum.run(doubled, 1), 2 * LENGTH + 1);
    }));

  Deno.test(`a job whose result was handed over is refused as an argument, with the cure (${place})`, () =>
    inPlace(place, async () => {
      const doubled = f.double.run(hi.transfer(filled(1)));
      const array = await doubled;
      const error = assertThrows(
        () => f.sum.run(doubled),
        hi.ArgumentChangedError,
      );
      assertStringIncludes(error.message, "transfer_double 1");
      assertStringIncludes(error.message, "pass that result");
      assertEquals(await f.sum.run(array), 2 * LENGTH);
    }));

  Deno.test(`a view gives up its whole buffer, and its function sees its elements alone (${place})`, () =>
    inPlace(place, async () => {
      const whole = filled(7);
      whole[10] = 8;
      const part = whole.subarray(10, 10 + LENGTH / 2);
      const job = f.surroundings.run(hi.transfer(part));
      assertEquals([part.length, whole.length], [0, 0]);
      assertEquals(await job, [LENGTH / 2, LENGTH / 2, 8]);
    }));

  Deno.test(`an array that stands in two places is one array (${place})`, () =>
    inPlace(place, async () => {
      for (const isFirst of [true, false]) {
        const array = filled(1);
        const given = hi.transfer({ other: array });
        const job = isFirst
          ? f.isOne.run(array, given)
          : f.isOne.run(hi.transfer(array), { other: array });
        assertEquals(array.length, 0);
        assert(await job);
      }
    }));

  Deno.test(`a job with a retry has its array again, as it was given (${place})`, () =>
    inPlace(place, async () => {
      const array = filled(2);
      const job = f.failsOnce.with({ retry: { maxAttempts: 2, minTimeout: 0 } })
        .run(hi.transfer(array));
      assertEquals(array.length, 0);
      assertEquals([await job, job.attempts], [2 * LENGTH, 2]);
    }));

  Deno.test(`without a cache a job that has its array has no key, and with one it has (${place})`, () =>
    inPlace(place, async () => {
      const job = f.sum.run(hi.transfer(filled(1)));
      await job;
      assertEquals(job.key, undefined);
      await assertRejects(
        () => f.keyOf.run(hi.transfer(filled(1))).then(),
        hi.ArgumentChangedError,
        "transfer_key_of 1",
      );
      await using folder = await temporaryFolder();
      await using jobCache = new hi.JobCache({ path: folder.path });
      const cached = f.keyOf.with({ jobCache }).run(hi.transfer(filled(1)));
      assertEquals(await cached, cached.key);
    }));

  for (const caching of [false, true]) {
    const how = `${place}, ${caching ? "with" : "without"} a cache`;
    Deno.test(`what a job was only lent stays with who has it, however the job gives it away (${how})`, () =>
      inPlace(place, async () => {
        await using folder = await temporaryFolder();
        await using jobCache = new hi.JobCache({ path: folder.path });
        await hi.config(caching ? { jobCache } : {}, async () => {
          // 72 KB, and so much that there are marks.
          for (const length of [9_000, 1_100_000]) {
            for (const way of f.WAYS) {
              const array = filled(3, length);
              const job = f.passesOn.run(array, way);
              const had = way === "view" ? length - 1 : length;
              const [left, first, ...doubled] = await job;
              if (place === "program") assertEquals([left, first], [length, 3]);
              else assertEquals([left, first], [0, undefined]);
              assertEquals(doubled, [had, 6], way);
              assertEquals(array, filled(3, length));
            }
          }
        });
      }));
  }

  Deno.test(`a job gives what it has to the jobs that it runs (${place})`, () =>
    inPlace(place, async () => {
      assertEquals(await f.outer.run(), [0, LENGTH, 2, 2 * LENGTH]);
    }));

  Deno.test(`items of hi.map are given away (${place})`, () =>
    inPlace(place, async () => {
      const arrays = Array.from({ length: 20 }, (_, i) => filled(i, 100 * i));
      const items = arrays.map((array) => hi.transfer(array));
      const sums: number[] = [];
      for await (const sum of hi.map(f.sum, items)) sums.push(sum);
      assertEquals(sums, arrays.map((_, i) => 100 * i * i));
      assertEquals(arrays.filter(({ length }) => length > 0), []);
    }));
}

Deno.test("jobs that run at a time have an array that one of them gives away", async () => {
  await using jobHandler = new hi.DefaultJobHandler({ concurrency: 8 });
  await hi.config({ jobHandler, jobCache: null }, async () => {
    const array = filled(3);
    const jobs = f.WAYS.flatMap((way) => [
      f.passesOn.run(array, way),
      f.passesOnDeeply.run(array, way),
    ]);
    for (const [left, first, , doubled] of await Promise.all(jobs)) {
      assertEquals([left, first, doubled], [LENGTH, 3, 6]);
    }
    assertEquals(await f.passesOnDeeply.run(array, "array"), [
      LENGTH,
      3,
      LENGTH,
      6,
      LENGTH,
      3,
    ]);
    assertEquals(array, filled(3));
  });
});

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`jobs that still wait with an array that is given away then say so (${isolation})`, () =>
    inPool({ numWorkers: 2, isolation }, async () => {
      // Where workers are ready, jobs are sent before the turn has ended.
      await Promise.all([f.sum.run(filled(1), 1), f.sum.run(filled(1), 2)]);
      // With marks, and with digests.
      for (const length of [2_000_000, LENGTH]) {
        const array = filled(1, length);
        const waiting = [1, 2, 3].map((more) => f.sum.run(array, more));
        const given = f.sum.run(hi.transfer(array), 4);
        assertEquals(await given, length + 4);
        const ends = await Promise.allSettled(waiting);
        for (const [i, end] of ends.entries()) {
          // Of an array that was met before there is a copy.
          if (end.status === "fulfilled") {
            assertEquals(end.value, length + 1 + i);
          } else assertInstanceOf(end.reason, hi.ArgumentChangedError);
        }
      }
    }));
}

Deno.test("the program holds a result that is given away once", () =>
  inPool({ numWorkers: 1, isolation: "worker" }, async () => {
    const length = 10 * LENGTH;
    await f.echo.run(filled(0, 1));
    const before = Deno.memoryUsage().external;
    const job = f.double.run(hi.transfer(filled(1, length)));
    const result = await job;
    const held = Deno.memoryUsage().external - before;
    assert(held < 1.5 * result.byteLength, `${held} bytes`);
    assertEquals(job.getResult(), result);
  }));

Deno.test("a plain call gives the function the array itself, which stays", () => {
  const array = filled(1);
  const result = f.double(hi.transfer(array));
  assert(result === array && array[0] === 2);
});

Deno.test("what is given away without a buffer in it is as it was", async () => {
  const item = { a: [1, 2], b: "text" };
  assert(hi.transfer(item) === item);
  assertEquals([hi.transfer(1), hi.transfer(null)], [1, null]);
  const same = hi.func("transfer_same", "1", (x: unknown) => hi.transfer(x));
  assertEquals(await same.with({ jobCache: null }).run(item), item);
});

Deno.test("memory of WebAssembly, which cannot be moved, is copied", () =>
  inPlace("worker", async () => {
    const memory = new WebAssembly.Memory({ initial: 16 });
    const array = new Float64Array(memory.buffer as ArrayBuffer).fill(1);
    const { length } = array;
    assertEquals(await f.sum.run(hi.transfer(array)), length);
    assertEquals(array.length, length);
  }));

Deno.test("what has no value yet cannot be given away", () => {
  const job = f.double.with({ jobCache: null }).run(filled(1));
  for (const value of [job, Promise.resolve(filled(1))]) {
    assertThrows(() => hi.transfer(value), TypeError, "await it first");
  }
  job.cancel();
});

Deno.test("where an argument is refused, nothing is taken", () => {
  const array = filled(1);
  for (
    const [other, path] of [
      [() => 1, "args[1]"],
      [new Float64Array(new SharedArrayBuffer(8)), "args[1]"],
      [array.subarray(1), "args[1]"],
    ] as const
  ) {
    const error = assertThrows(
      () => hi.run("transfer_sum", hi.transfer(array), hi.transfer(other)),
      hi.UnsupportedValueError,
    );
    assertEquals([error.path, array.length], [path, LENGTH]);
  }
  array.buffer.transfer();
  assertThrows(
    () => f.sum.run(hi.transfer(array)),
    hi.UnsupportedValueError,
    "args[0] has a detached buffer",
  );
});

Deno.test("a job that was cancelled has the array all the same, if it was submitted", () =>
  inPlace("worker", async () => {
    const [one, other] = [filled(1), filled(1)];
    const job = f.sum.run(hi.transfer(one));
    job.cancel();
    assertEquals(one.length, 0);
    const signal = AbortSignal.abort();
    const never = f.sum.with({ signal }).run(hi.transfer(other));
    await assertRejects(() => never.then(), hi.JobCancelledError);
    assertEquals(other.length, LENGTH);
  }));

Deno.test("a job whose array is lost with its web worker is not tried again, and says so", () =>
  withWorkers((workers) =>
    inPool({ numWorkers: 1, isolation: "worker" }, async () => {
      await f.sum.run(filled(1));
      const job = f.holds.with({ crashRetries: 2 }).run(
        hi.transfer(filled(1)),
      );
      for await (const event of job) {
        if (event.type === "status" && event.status === "running") {
          receive(workers[0]!, { type: "done", task: 2 });
        }
      }
      const error = await failureOf(job);
      assertInstanceOf(error, hi.WorkerLostError);
      assertStringIncludes(error.message, "leave hi.transfer out");
      assertInstanceOf(error.cause, hi.WorkerLostError);
      assertEquals(job.attempts, 1);
      assertEquals(await f.sum.run(hi.transfer(filled(1))), LENGTH);
    })
  ));

Deno.test("a job whose process was killed is tried again with its array", async () => {
  await using folder = await temporaryFolder();
  await inPool({ numWorkers: 1, isolation: "process" }, async () => {
    const job = f.killedOnce.with({ crashRetries: 1 })
      .run(join(folder.path, "killed"), hi.transfer(filled(1)));
    assertEquals([await job, job.attempts], [LENGTH, 2]);
  });
});

for (const how of ["is replaced", "is busy with a job that was cancelled"]) {
  Deno.test(`an array is not lost in a web worker that ${how} before its job began`, async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, "go");
    await inPool(
      { numWorkers: 1, jobsPerWorker: 2, isolation: "worker" },
      async () => {
        await f.makes.run(1);
        const exits = how === "is replaced";
        const blocks = f.blocksUntil.run(file, exits);
        const job = f.sum.run(hi.transfer(filled(1)));
        for await (const event of blocks) {
          if (event.type === "status" && event.status === "running") {
            // It was sent with the other, which holds the thread.
            assertEquals([job.status, job.attempts], ["queued", 0]);
            if (!exits) blocks.cancel();
            Deno.writeTextFileSync(file, "");
          }
        }
        assertInstanceOf(
          await failureOf(blocks),
          exits ? hi.JobExitError : hi.JobCancelledError,
        );
        assertEquals([await job, job.attempts], [LENGTH, 1]);
      },
    );
  });
}
