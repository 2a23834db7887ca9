import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { join } from "@std/path";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";
import * as f from "./fixtures/share.ts";
import { filled, inPlace, LENGTH, PLACES } from "./places.ts";
import { failureOf, inPool, numbers, runProgram } from "./pool.ts";

for (const place of PLACES) {
  Deno.test(`jobs look at what is shared where it is, anywhere among their arguments (${place})`, () =>
    inPlace(place, async () => {
      const large = hi.share(filled(1));
      const made = new Uint8Array(new SharedArrayBuffer(200_000));
      made.forEach((_, i) => made[i] = i + 6);
      const part = hi.share(made.subarray(1_003, 101_001));
      const list = [
        large,
        hi.share(new Int16Array([5, 6])),
        part,
        hi.share(new DataView(new Uint8Array([8, 7]).buffer, 1)),
        hi.share(new Uint8Array([4]).buffer),
        hi.share(new Float32Array()),
        filled(2, 1),
      ];
      const map = new Map([["a", large.subarray(7, 9)]]);
      assertEquals(await f.sees.run({ list, map }), [
        ["Float64Array", "SharedArrayBuffer", 8 * LENGTH, 0],
        ["Int16Array", "SharedArrayBuffer", 4, 5],
        ["Uint8Array", "SharedArrayBuffer", 99_998, 1_009 % 256],
        ["DataView", "SharedArrayBuffer", 1, 7],
        ["SharedArrayBuffer", "SharedArrayBuffer", 1, 4],
        ["Float32Array", "SharedArrayBuffer", 0, -1],
        ["Float64Array", "ArrayBuffer", 8, 0],
        ["Float64Array", "SharedArrayBuffer", 16, 0],
      ]);
    }));

  Deno.test(`an object is one object again, and views of one memory are that (${place})`, () =>
    inPlace(place, async () => {
      const array = hi.share(filled(1));
      const other = array.subarray(5);
      assertEquals(await f.areOne.run(array, { other: array }), [
        true,
        true,
        LENGTH,
        LENGTH,
      ]);
      assertEquals(await f.areOne.run(array, { other }), [
        false,
        true,
        LENGTH,
        LENGTH - 5,
      ]);
    }));

  Deno.test(`jobs have the same memory one after the other (${place})`, () =>
    inPlace(place, async () => {
      const array = hi.share(filled(1));
      const seen: boolean[] = [];
      for (const time of numbers(3)) {
        seen.push(await f.isAgain.run(array, time));
      }
      assertEquals(seen.slice(1), [true, true]);
    }));

  Deno.test(`a hit is a hit, shared or not, and the key is the same everywhere (${place})`, () =>
    inPlace(place, async () => {
      await using folder = await temporaryFolder();
      await using jobCache = new hi.JobCache({ path: folder.path });
      const plain = filled(4);
      const array = hi.share(plain);
      const cached = f.sum.with({ jobCache });
      const first = cached.run(array);
      assertEquals([await first, first.cached], [4 * LENGTH, false]);
      const second = cached.run(plain);
      assertEquals([await second, second.cached], [4 * LENGTH, true]);
      const part = cached.run(plain.slice(5));
      await part;
      const third = cached.run(array.subarray(5));
      assertEquals([await third, third.cached], [4 * (LENGTH - 5), true]);
      // With and without a cache, asked for outside and inside.
      const key = f.keyOf.run(array);
      assertEquals(await key, key.key);
      const other = f.keyOf.with({ jobCache }).run(array);
      assertEquals([await other, other.key], [key.key, key.key]);
    }));

  Deno.test(`a result is a plain copy, that of a job among the arguments too (${place})`, () =>
    inPlace(place, async () => {
      const array = hi.share(filled(2));
      const job = f.echo.run(array);
      const result = await job;
      for (const it of [result.array, result.part]) {
        assertInstanceOf(it.buffer, ArrayBuffer);
      }
      assertEquals([result.array.length, result.part.length], [LENGTH, 2]);
      result.array.fill(0);
      assertEquals(array[0], 2);
      const { whole } = result;
      assertInstanceOf(whole, ArrayBuffer);
      assertEquals(new Float64Array(whole)[LENGTH - 1], 2);
      assertNotStrictEquals(whole, result.array.buffer);
    }));

  for (const how of f.WRITES) {
    Deno.test(`a job that writes to what is shared (${how}) fails, and its result is not kept (${place})`, () =>
      inPlace(place, async () => {
        await using folder = await temporaryFolder();
        await using jobCache = new hi.JobCache({ path: folder.path });
        const plain = filled(1).map((_, i) => LENGTH - i);
        const array = hi.share(plain);
        const writes = f.writes.with({ jobCache });
        const error = await failureOf(writes.run({ array }, how));
        assertInstanceOf(error, hi.ArgumentChangedError);
        assertStringIncludes(error.message, "share_writes 1");
        assertStringIncludes(error.message, "args[0].array");
        assertStringIncludes(error.message, "slice()");
        if (how === "throw") assertInstanceOf(error.cause, RangeError);
        assertEquals((await jobCache.stats()).records, 0);
        if (place === "process") {
          // It had a copy, and so has whatever comes next.
          assertEquals(await f.sum.run(array), await f.sum.run(plain));
        } else {
          assertThrows(
            () => f.sum.run(array),
            hi.ArgumentChangedError,
            "call hi.share again",
          );
          hi.share(array);
          assertEquals(await f.sum.run(array), array.reduce((a, b) => a + b));
        }
      }));
  }

  Deno.test(`a job that copies it before it writes to it is fine (${place})`, () =>
    inPlace(place, async () => {
      const array = hi.share(filled(1));
      assertEquals([await f.copies.run(array), array[0]], [4, 1]);
    }));

  Deno.test(`what was written to before its job began is a named error (${place})`, () =>
    inPlace(place, async () => {
      const array = hi.share(filled(1));
      const job = f.sum.run(array);
      array.fill(2);
      const error = await failureOf(job);
      assertInstanceOf(error, hi.ArgumentChangedError);
      assertStringIncludes(error.message, "args[0] was written to");
    }));

  Deno.test(`identical jobs share one run without a cache (${place})`, () =>
    inPlace(place, async () => {
      const [array, same] = [hi.share(filled(6)), hi.share(filled(6))];
      const other = hi.share(filled(7));
      const jobs = [array, array, same, other].map((it) => f.counts.run(it));
      const [one, two, three, four] = await Promise.all(jobs);
      assertEquals([two, three, four], [one, one, one! + 1]);
    }));

  Deno.test(`it stands beside jobs among the arguments, and is there for another attempt (${place})`, () =>
    inPlace(place, async () => {
      await using folder = await temporaryFolder();
      await using jobCache = new hi.JobCache({ path: folder.path });
      const sum = f.sum.with({ jobCache });
      const array = hi.share(filled(1));
      for (const isCached of [false, true]) {
        const one = sum.run(array);
        const two = sum.run(array, one);
        const three = sum.run(hi.share(filled(1)), two);
        assertEquals(await three, 3 * LENGTH);
        assertEquals([two.cached, three.cached], [isCached, isCached]);
      }
      const job = f.failsOnce.with({
        retry: { maxAttempts: 2, minTimeout: 1 },
      }).run(array);
      assertEquals([await job, job.attempts], [LENGTH, 2]);
      // A result that holds it is an argument of another one.
      const echoed = f.echo.with({ jobCache }).run(array);
      assertEquals(await f.lengthOf.run(echoed), LENGTH);
    }));

  Deno.test(`items of hi.map may hold it (${place})`, () =>
    inPlace(place, async () => {
      const array = hi.share(filled(1));
      const rows = numbers(20).map((i) => array.subarray(100 * i, 100 * i + i));
      const sums = await Array.fromAsync(hi.map(f.sum, rows));
      assertEquals(sums, numbers(20));
      const whole = await Array.fromAsync(hi.map(f.sum, [array, array]));
      assertEquals(whole, [LENGTH, LENGTH]);
    }));

  Deno.test(`jobs in jobs get it, parts of it, and what the job has shared itself (${place})`, () =>
    inPlace(place, async () => {
      const array = hi.share(filled(1));
      const expected = [
        LENGTH,
        LENGTH + 1,
        LENGTH - 10,
        150_000,
        150_001,
        75_000,
        ...[0, 1, LENGTH, LENGTH - 5],
      ];
      assertEquals(await f.outer.run(array), expected);
      const middle = new Float64Array(new SharedArrayBuffer(24 * LENGTH));
      middle.forEach((_, i) => middle[i] = i < LENGTH ? 5 : 1);
      const part = hi.share(middle.subarray(LENGTH, 2 * LENGTH));
      assertEquals(await f.outer.run(part), expected);
      const [one, two, three, four] = await f.outerKeys.run(array);
      assertEquals([one, three], [two, four]);
      assertEquals(one, f.keyOf.run(array).key);
      await hi.wait();
    }, 2));

  Deno.test(`hi.transfer takes nothing of what is shared, and leaves the rest its due (${place})`, () =>
    inPlace(place, async () => {
      const array = hi.share(filled(1));
      const given = filled(2);
      const list = hi.transfer([array, given]);
      const seen = await f.sees.run({ list, map: new Map() });
      assertEquals(seen.map(([, buffer]) => buffer), [
        "SharedArrayBuffer",
        "ArrayBuffer",
      ]);
      assertEquals([array.length, given.length], [LENGTH, 0]);
      assertEquals(await f.sum.run(hi.transfer(array)), LENGTH);
    }));

  Deno.test(`explain and the preview name it as any other array (${place})`, () =>
    inPlace(place, async () => {
      await using folder = await temporaryFolder();
      await using jobCache = new hi.JobCache({ path: folder.path });
      const cached = f.sum.with({ jobCache });
      await cached.run(hi.share(filled(1)), 1);
      const job = cached.run(hi.share(filled(1)), 2);
      await job;
      assertEquals(
        job.explain().differences,
        [{ path: "args[1]", stored: "1", now: "2" }],
      );
      const [record] = await Array.fromAsync(jobCache.records());
      assertStringIncludes(record!.preview, "Float64Array(100000)");
    }));
}

Deno.test("a plain call gives the function the view itself", () => {
  const array = hi.share(filled(1));
  const { array: same, whole } = f.echo(array);
  assert(same === array && whole === array.buffer);
});

Deno.test("a job in a process with permissions of its own gets it as well", () =>
  inPool({ numWorkers: 1, isolation: "process" }, async () => {
    const sum = f.sum.with({ permissions: "none" });
    assertEquals(await sum.run(hi.share(filled(2))), 2 * LENGTH);
  }));

Deno.test("so does one in a web worker", async () => {
  const program = await runProgram({
    "main.ts": `
      import * as hi from "hither";
      const sum = hi.func("sum", "1", (array: Float64Array) => array.reduce((a, b) => a + b));
      await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, isolation: "worker" });
      await hi.config({ jobHandler, jobCache: null, permissions: "none" }, async () => {
        console.log(await sum.run(hi.share(new Float64Array(100_000).fill(2))));
      });
    `,
  }, { permissions: ["-A", "--unstable-worker-options"] });
  assertEquals([program.stdout, program.code], ["200000\n", 0]);
});

Deno.test("a job whose process was killed is tried again with it", async () => {
  await using folder = await temporaryFolder();
  await inPool({ numWorkers: 1, isolation: "process" }, async () => {
    const job = f.killedOnce.with({ crashRetries: 1 })
      .run(join(folder.path, "killed"), hi.share(filled(1)));
    assertEquals([await job, job.attempts], [LENGTH, 2]);
  });
});

const isLinux = Deno.build.os === "linux";

Deno.test({
  name:
    "its bytes go to a process once, also if no job is under way in between",
  ignore: !isLinux,
  fn: () =>
    inPool({ numWorkers: 1, isolation: "process" }, async () => {
      const array = hi.share(filled(1, 1_000_000));
      const before = await f.bytesRead.run(filled(0, 1), 0);
      const read: number[] = [];
      for (const time of [1, 2, 3]) {
        read.push(
          ...await Promise.all([
            f.bytesRead.run(array, time),
            f.bytesRead.run(array.subarray(time), time),
          ]),
        );
      }
      assert(Math.min(...read) - before > array.byteLength);
      assert(Math.max(...read) - before < 1.5 * array.byteLength);
    }),
});

Deno.test({
  name: "of a part only that part goes to a process",
  ignore: !isLinux,
  fn: () =>
    inPool({ numWorkers: 1, isolation: "process" }, async () => {
      const array = hi.share(filled(1, 4_000_000));
      const before = await f.bytesRead.run(filled(0, 1), 0);
      const part = array.subarray(1_000_000, 2_000_000);
      const read = await f.bytesRead.run(part, 1);
      assert(read - before > part.byteLength);
      assert(read - before < 1.5 * part.byteLength);
      assertEquals(await f.sum.run(part), 1_000_000);
    }),
});

Deno.test("a process with a limit of memory has room for one array after the other", () =>
  inPool({ numWorkers: 1, isolation: "process" }, async () => {
    const limited = f.memory.with({ memory: 2 ** 27 });
    const bytes: number[] = [];
    for (const time of numbers(8)) {
      const array = hi.share(filled(time, 8_000_000));
      bytes.push(await limited.run(array, time));
    }
    assert(Math.max(...bytes) < bytes[0]! + 2 ** 27, String(bytes));
  }));

Deno.test("a program that shares one array after the other does not grow with each", () =>
  inPool({ numWorkers: 2, isolation: "worker" }, async () => {
    const most: number[] = [];
    for (const time of numbers(16)) {
      const array = hi.share(filled(time, 8_000_000));
      most.push(
        ...await Promise.all([
          f.memory.run(array, time),
          f.memory.run(array, -1 - time),
        ]),
      );
    }
    // 16 of 64 MB.
    assert(Math.max(...most) - most[0]! < 600_000_000, String(most));
  }));
