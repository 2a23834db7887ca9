import { assertEquals } from "@std/assert";
import * as fc from "npm:fast-check@^4";
import { Queue, type QueuePlace } from "../../lib/queue.ts";

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

Deno.test("a higher priority comes first, and the order of arrival among equals", () => {
  const queue = new Queue<string>();
  for (
    const [item, priority] of [["a", 0], ["b", 5], ["c", -1], ["d", 5]] as const
  ) {
    queue.push(item, priority);
  }
  queue.unshift("e", 5);
  queue.unshift("f");
  assertEquals(queue.first, "e");
  assertEquals(rest(queue), ["e", "b", "d", "f", "a", "c"]);
});

Deno.test("a queue keeps to its order whatever is added and taken out", () => {
  fc.assert(fc.property(
    fc.array(fc.record({
      what: fc.constantFrom("push", "unshift", "shift", "remove"),
      priority: fc.integer({ min: -3, max: 3 }),
      at: fc.nat(),
    })),
    (steps) => {
      const queue = new Queue<number>();
      const model: { item: number; priority: number; place: unknown }[] = [];
      const order = () =>
        model.map((one, index) => ({ ...one, index })).sort((a, b) =>
          b.priority - a.priority || a.index - b.index
        );
      for (const [item, { what, priority, at }] of steps.entries()) {
        if (what === "push") {
          model.push({ item, priority, place: queue.push(item, priority) });
        } else if (what === "unshift") {
          model.unshift({
            item,
            priority,
            place: queue.unshift(item, priority),
          });
        } else if (what === "shift") {
          const [next] = order();
          assertEquals(queue.shift(), next?.item);
          if (next !== undefined) model.splice(next.index, 1);
        } else if (model.length > 0) {
          const [one] = model.splice(at % model.length, 1);
          assertEquals(queue.remove(one!.place as QueuePlace<number>), true);
        }
        assertEquals(queue.size, model.length);
      }
      assertEquals(rest(queue), order().map(({ item }) => item));
    },
  ));
});
