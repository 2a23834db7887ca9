import { assertEquals } from "@std/assert";
import {
  Bell,
  bellMemory,
  PROGRAM_BELL,
  WORKER_BELL,
} from "../../lib/worker/bell.ts";

/** Keeps the program from ending, which waiting for a bell does not. */
function held<T>(promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 1_000_000);
  return promise.finally(() => clearInterval(timer));
}

Deno.test("each ring is heard, or one after it, and the bells do not disturb each other", async () => {
  const memory = bellMemory();
  const other = new Worker(
    `data:text/javascript,${
      encodeURIComponent(`
        import { Bell, PROGRAM_BELL, WORKER_BELL } from "${new URL(
        "../../lib/worker/bell.ts",
        import.meta.url,
      )}";
        onmessage = ({ data: { memory, counts } }) => {
          const back = new Bell(memory, PROGRAM_BELL);
          new Bell(memory, WORKER_BELL).listen(() => {
            counts[1] = counts[0];
            back.ring();
          });
        };
      `)
    }`,
    { type: "module" },
  );
  const counts = new Int32Array(new SharedArrayBuffer(8));
  const bell = new Bell(memory, WORKER_BELL);
  const back = new Bell(memory, PROGRAM_BELL);
  const ROUNDS = 500;
  const done = Promise.withResolvers<void>();
  back.listen(() => {
    if (Atomics.load(counts, 1) !== Atomics.load(counts, 0)) return;
    if (counts[0]! >= ROUNDS) return done.resolve();
    // Several at once, as the other side may be awake or not.
    for (let i = 0; i < counts[0]! % 3 + 1; i++) {
      Atomics.add(counts, 0, 1);
      bell.ring();
    }
  });
  other.postMessage({ memory, counts });
  await held(done.promise);
  back.close();
  other.terminate();
  assertEquals(counts[0], counts[1]);
});

Deno.test("what is rung while it is listened to is heard in another turn", async () => {
  const memory = bellMemory();
  const bell = new Bell(memory, WORKER_BELL);
  const heard: string[] = [];
  const third = Promise.withResolvers<void>();
  let turn = 0;
  bell.listen(() => {
    heard.push(`in turn ${turn++}`);
    setTimeout(() => heard.push("between"), 0);
    if (turn < 3) bell.ring();
    else third.resolve();
  });
  await held(third.promise);
  bell.close();
  assertEquals(heard.filter((what) => what !== "between"), [
    "in turn 0",
    "in turn 1",
    "in turn 2",
  ]);
  await new Promise((resolve) => setTimeout(resolve, 0));
});

Deno.test("a bell that is closed is not heard any more", async () => {
  const memory = bellMemory();
  const bell = new Bell(memory, PROGRAM_BELL);
  const open = new Bell(memory, WORKER_BELL);
  let heard = 0;
  bell.listen(() => heard++);
  bell.close();
  bell.ring();
  // This one is rung later, and heard.
  const { promise, resolve } = Promise.withResolvers<void>();
  let openHeard = 0;
  open.listen(() => {
    if (++openHeard > 1) resolve();
  });
  open.ring();
  await held(promise);
  open.close();
  assertEquals(heard, 1);
});
