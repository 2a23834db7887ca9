import { assert, assertEquals } from "@std/assert";
import { Inbox, inboxMemory } from "../../lib/worker/inbox.ts";

/** Messages of many lengths, also those that do not end where another may begin. */
const MESSAGES = Array.from(
  { length: 2_000 },
  (_, i) => new Uint8Array(1 + (i * 37) % 2_047).fill(i),
);

/** Both sides of one memory, what came, and the promise that so many have come. */
function bothSides(isIdle = false) {
  const memory = inboxMemory();
  const came: Uint8Array[] = [];
  const wanted = new Map<number, () => void>();
  new Inbox(memory).read(
    (bytes, start, end) => bytes.slice(start, end),
    (it) => {
      came.push(it);
      wanted.get(came.length)?.();
    },
    () => isIdle,
  );
  const have = (count: number): Promise<void> =>
    new Promise((resolve) => {
      if (came.length >= count) resolve();
      else wanted.set(count, resolve);
    });
  // As in a worker, something else keeps the event loop going.
  const timer = setTimeout(() => {}, 60_000);
  return {
    writer: new Inbox(memory),
    came,
    have,
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

for (const isIdle of [false, true]) {
  const how = isIdle ? "blocks its thread for the next" : "never blocks";
  Deno.test(`messages come in order and whole to a reader that ${how}, also beyond the end of the memory`, async () => {
    using sides = bothSides(isIdle);
    const { writer, came, have } = sides;
    const messages = MESSAGES.slice(0, 500);
    for (const [i, message] of messages.entries()) {
      assertEquals(writer.write(message), true);
      await have(i + 1);
    }
    assertEquals(came, messages);
  });
}

Deno.test("where there is no room nothing is written, and nothing is lost", async () => {
  using sides = bothSides();
  const { writer, came, have } = sides;
  let full = 0;
  for (const [i, message] of MESSAGES.entries()) {
    while (!writer.write(message)) {
      full++;
      await have(i);
    }
  }
  await have(MESSAGES.length);
  assertEquals(came, MESSAGES);
  assertEquals(full > 0, true);
});

for (const isIdle of [false, true]) {
  Deno.test(
    `the event loop has its turns while messages keep coming to a reader that ${
      isIdle ? "blocks its thread for the next" : "never blocks"
    }`,
    async () => {
      const memory = inboxMemory();
      const writer = new Inbox(memory);
      for (let i = 0; i < 50; i++) writer.write(new Uint8Array(10));
      let came = 0;
      const turn = new Promise<number>((resolve) =>
        setTimeout(() => resolve(came))
      );
      new Inbox(memory).read(
        (bytes, start, end) => bytes.slice(start, end),
        () => {
          came++;
          // As a job that takes so long.
          const start = performance.now();
          while (performance.now() - start < 1);
        },
        () => isIdle,
      );
      const before = await turn;
      assert(before < 50, `after ${before} messages`);
    },
  );
}
