import { assertEquals, assertThrows } from "@std/assert";
import { TaskFlags } from "../../lib/handlers/parallel/task_flags.ts";
import { Flag } from "../../lib/worker/protocol.ts";

Deno.test("a task can be taken back until the worker has begun it, and only once", () => {
  const flags = new TaskFlags(2);
  const cells = new Int32Array(flags.buffer);
  const [first, second] = [flags.send(1), flags.send(2)];
  cells[second] = Flag.BEGUN;
  assertEquals(flags.takeBack(1, Flag.RECALLED), true);
  assertEquals(flags.takeBack(1, Flag.CANCELLED), false);
  assertEquals(flags.takeBack(2, Flag.CANCELLED), false);
  assertEquals([cells[first], cells[second]], [Flag.RECALLED, Flag.BEGUN]);
  flags.tell(2, Flag.TIMED_OUT);
  assertEquals(cells[second], Flag.TIMED_OUT);
});

Deno.test("a flag is another task's only after the worker is done with the first", () => {
  const flags = new TaskFlags(2);
  const first = flags.send(1);
  const second = flags.send(2);
  assertEquals([flags.room, first === second], [0, false]);
  flags.takeBack(1, Flag.RECALLED);
  assertEquals(flags.room, 0);
  flags.release(1);
  flags.release(1);
  assertEquals(flags.room, 1);
  assertEquals(flags.send(3), first);
  assertEquals(new Int32Array(flags.buffer)[first], Flag.SENT);
});

Deno.test("a task for which there is no flag is refused, and the others keep theirs", () => {
  const flags = new TaskFlags(1);
  const cells = new Int32Array(flags.buffer);
  flags.send(1);
  assertThrows(() => flags.send(2), RangeError);
  assertEquals(flags.takeBack(2, Flag.CANCELLED), false);
  flags.tell(2, Flag.TIMED_OUT);
  assertEquals(cells[0], Flag.SENT);
  flags.release(1);
  assertEquals(flags.send(2), 0);
});

Deno.test("while a task waits for others there is one more flag", () => {
  const flags = new TaskFlags(1);
  const cells = [flags.send(1)];
  flags.pause();
  assertEquals(flags.room, 1);
  cells.push(flags.send(2));
  assertEquals([flags.room, new Set(cells).size], [0, 2]);
  flags.resume();
  assertEquals(flags.room, 0);
  flags.release(1);
  assertEquals(flags.room, 0);
  flags.release(2);
  assertEquals(flags.room, 1);
});

Deno.test("the flag of a chunk is another task's only after all that have it are done", () => {
  const flags = new TaskFlags(4);
  const cells = new Int32Array(flags.buffer);
  const cell = flags.sendChunk(1);
  cells[cell] = Flag.ITEMS + 2;
  flags.lend(2, 1);
  flags.lend(3, 1);
  flags.release(1);
  const others = [flags.send(4), flags.send(5), flags.send(8)];
  assertEquals(others.includes(cell), false);
  assertEquals(flags.takeBack(2, Flag.RECALLED), false);
  flags.release(2);
  assertEquals(flags.send(6) === cell, false);
  flags.tell(3, Flag.CANCELLED);
  assertEquals(cells[cell], Flag.CANCELLED);
  flags.release(6);
  flags.release(3);
  assertEquals(flags.send(7), cell);
});
