import { assertEquals } from "@std/assert";
import { SmallValue } from "../../lib/value/small.ts";
import {
  type Request,
  type RequestBatch,
  requestMemory,
  Requests,
} from "../../lib/worker/requests.ts";

function pair(): [Requests, Requests] {
  const memory = requestMemory();
  return [new Requests(memory), new Requests(memory)];
}

/** Some Tasks with their arguments. */
function batch(first: number, count: number): [Request[], SmallValue[]] {
  const tasks = Array.from({ length: count }, (_, i) => ({
    sent: first + i,
    flag: 2 * i + 1,
    digest: (first + i) % 3 === 0,
  }));
  const lists = tasks.map(({ sent }) => {
    const codes = Array.from({ length: sent % 40 }, (_, k) => (sent + k) % 256);
    return new SmallValue(String.fromCharCode(...codes));
  });
  return [tasks, lists];
}

function assertSame(
  taken: RequestBatch,
  fn: number,
  [tasks, lists]: [Request[], SmallValue[]],
): void {
  assertEquals([taken.fn, taken.length], [fn, tasks.length]);
  for (const [i, { sent, flag, digest }] of tasks.entries()) {
    const bytes = taken.bytes.slice(taken.start(i), taken.end(i));
    assertEquals(
      [taken.task(i), taken.flag(i), taken.digest(i), bytes],
      [sent, flag, digest, lists[i]!.bytes],
    );
  }
}

Deno.test("tasks are read as they were written, also beyond the end of the memory", () => {
  const [program, worker] = pair();
  const written: [number, ReturnType<typeof batch>][] = [];
  for (let fn = 1; fn < 1_500; fn++) {
    const tasks = batch(fn, 1 + fn % 37);
    assertEquals(program.write(fn, ...tasks), true);
    written.push([fn, tasks]);
    if (fn % 5 === 0) continue;
    for (const [fn, tasks] of written.splice(0)) {
      assertSame(worker.read()!, fn, tasks);
    }
    assertEquals(worker.read(), undefined);
  }
});

Deno.test("where there is no room nothing is written, and nothing is lost", () => {
  const [program, worker] = pair();
  const tasks = batch(39, 100);
  let written = 0;
  while (program.write(written, ...tasks)) written++;
  for (let fn = 0; fn < written; fn++) assertSame(worker.read()!, fn, tasks);
  assertEquals(worker.read(), undefined);
  assertEquals(program.write(7, ...tasks), true);
  assertSame(worker.read()!, 7, tasks);
});

Deno.test("what is larger than the memory is not written", () => {
  const [program, worker] = pair();
  assertEquals(program.write(1, ...batch(39, 20_000)), false);
  assertEquals(worker.read(), undefined);
});
