import { assertEquals } from "@std/assert";
import { Queue } from "../../lib/handlers/queue.ts";

function rest<T>(queue: Queue<T>): T[] {
  const items: T[] = [];
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
    items.push(item);
  }
  return items;
}

Deno.test("a queue gives items in the order in which they came", () => {
  const queue = new Queue<number>();
  for (const item of [1, 2, 3]) queue.push(item);
  assertEquals(queue.first, 1);
  assertEquals(queue.size, 3);
  assertEquals(rest(queue), [1, 2, 3]);
  assertEquals([queue.size, queue.first], [0, undefined]);
});

Deno.test("a queue takes items at its front", () => {
  const queue = new Queue<number>();
  queue.unshift(1);
  queue.unshift(0);
  queue.push(2);
  assertEquals(rest(queue), [0, 1, 2]);
});

for (const index of [0, 1, 2]) {
  Deno.test(`item ${index} of three can be taken out, once`, () => {
    const queue = new Queue<number>();
    const places = [0, 1, 2].map((item) => queue.push(item));
    assertEquals(queue.remove(places[index]), true);
    assertEquals(queue.remove(places[index]), false);
    assertEquals(queue.size, 2);
    assertEquals(rest(queue), [0, 1, 2].filter((item) => item !== index));
    queue.push(9);
    assertEquals(rest(queue), [9]);
  });
}
