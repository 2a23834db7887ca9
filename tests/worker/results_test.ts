import { assert, assertEquals } from "@std/assert";
import { smallValueOf } from "../../lib/value/small.ts";
import { resultMemory, Results } from "../../lib/worker/results.ts";

function pair(): [Results, Results] {
  const memory = resultMemory();
  return [new Results(memory), new Results(memory)];
}

const value = (bytes: Uint8Array<ArrayBuffer>) => ({ bytes, leaves: [] });

Deno.test("results are read as they were written, also beyond the end of the memory", () => {
  const [worker, program] = pair();
  for (let task = 0; task < 5_000; task++) {
    const bytes = new Uint8Array(task % 700).fill(task);
    const contribution = task % 3 === 0 ? undefined : bytes.slice(task % 5);
    assertEquals(
      worker.write(task, value(bytes), contribution, 17 + task, 0.5),
      true,
    );
    if (task % 7 === 0) continue;
    for (let it = program.read(); it !== undefined; it = program.read()) {
      const { task } = it;
      const bytes = new Uint8Array(task % 700).fill(task);
      assertEquals(smallValueOf(it.value!).bytes, bytes);
      assertEquals(
        it.contribution,
        task % 3 === 0 ? undefined : bytes.slice(task % 5),
      );
      assertEquals([it.startedAt, it.duration], [17 + task, 0.5]);
    }
  }
});

Deno.test("numbers are read as they were written, among other results", () => {
  const [worker, program] = pair();
  const numbers = [0, -0, 1.5, NaN, -Infinity, 2 ** 60, Number.MIN_VALUE];
  for (let task = 0; task < 20_000; task++) {
    const number = numbers[task % 9];
    const result = number ?? value(new Uint8Array(task % 90).fill(task));
    assertEquals(worker.write(task, result, undefined, 17, task), true);
    const it = program.read()!;
    assertEquals([it.task, it.startedAt, it.duration], [task, 17, task]);
    if (number !== undefined) assert(Object.is(it.value, number));
    else assertEquals(smallValueOf(it.value!).bytes.length, task % 90);
    assertEquals(program.read(), undefined);
  }
});

Deno.test("where there is no room nothing is written, and nothing is lost", () => {
  const [worker, program] = pair();
  const bytes = new Uint8Array(1_000).fill(7);
  let written = 0;
  while (worker.write(written, value(bytes), undefined, 0, 0)) written++;
  for (let task = 0; task < written; task++) {
    assertEquals(program.read()?.task, task);
  }
  assertEquals(program.read(), undefined);
  assertEquals(worker.write(0, value(bytes), undefined, 0, 0), true);
});

Deno.test("a long result is not written", () => {
  const [worker, program] = pair();
  assertEquals(
    worker.write(1, value(new Uint8Array(10_000)), undefined, 0, 0),
    false,
  );
  assertEquals(program.read(), undefined);
});

Deno.test("the end of a chunk is read where it was written", () => {
  const [worker, program] = pair();
  worker.write(5, value(new Uint8Array([1])), undefined, 0, 0);
  assertEquals(worker.writeDone(4), true);
  worker.write(6, value(new Uint8Array([2])), undefined, 0, 0);
  const read = () => {
    const { task, value } = program.read()!;
    return [task, value && smallValueOf(value).bytes[0]];
  };
  assertEquals([read(), read(), read()], [[5, 1], [4, undefined], [6, 2]]);
  assertEquals(program.read(), undefined);
});
