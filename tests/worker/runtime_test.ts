import { assertEquals, assertInstanceOf } from "@std/assert";
import * as hi from "../../mod.ts";
import { encodeValue } from "../../lib/value/encode.ts";
import { decodeThrown, encodeThrown } from "../../lib/value/thrown.ts";
import { packBatch } from "../../lib/worker/batch.ts";
import {
  Flag,
  type FromWorker,
  PROTOCOL_VERSION,
  type RunMessage,
} from "../../lib/worker/protocol.ts";
import { WorkerRuntime } from "../../lib/worker/runtime.ts";
import { fromWire, toWire } from "../../lib/worker/wire.ts";

const flags = new Int32Array(new SharedArrayBuffer(64));

hi.func("runtime_calls", "1", (x: number) => calls.push(x));
let calls: number[] = [];

hi.func("runtime_looks_at_flag", "1", (flag: number) => {
  hi.current().throwIfAborted();
  // What another thread would do while this one computes.
  flags[0] = flag;
  hi.current().throwIfAborted();
});

hi.func("runtime_waits", "1", async () => {
  await new Promise((resolve) =>
    hi.current().signal.addEventListener("abort", resolve)
  );
  calls.push(-1);
});

hi.func("runtime_calls_or_waits", "1", (x?: number) => {
  if (x !== undefined) return calls.push(x);
  const { signal } = hi.current();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(calls.push(-1)))
  );
});

/** A runtime, what it has said, and the promise of its next `done`. */
function runtimeWithLog() {
  const said: FromWorker[] = [];
  const runtime = new WorkerRuntime((message) => said.push(message));
  runtime.receive({
    type: "begin",
    protocol: PROTOCOL_VERSION,
    flags: flags.buffer as SharedArrayBuffer,
  });
  flags.fill(Flag.SENT);
  calls = [];
  return { runtime, said };
}

function message(
  name: string,
  task: number,
  args: unknown[],
  given: Partial<RunMessage> = {},
): RunMessage {
  return {
    type: "run",
    task,
    key: "0".repeat(64),
    name,
    version: "1",
    code: { kind: "module", url: import.meta.url },
    list: toWire(encodeValue(args), []),
    upstream: [],
    digest: false,
    timed: false,
    flag: task,
    ...given,
  };
}

const short = (said: FromWorker[]) =>
  said.map((message) =>
    "task" in message ? `${message.type} ${message.task}` : message.type
  );

Deno.test("a worker says hello, and what became of a task", () => {
  const { runtime, said } = runtimeWithLog();
  runtime.receive(message("runtime_calls", 1, [7]));
  assertEquals(short(said), ["hello", "done 1"]);
  assertEquals(calls, [7]);
});

Deno.test("the start of a task is told where somebody wants to know", () => {
  const { runtime, said } = runtimeWithLog();
  runtime.receive(message("runtime_calls", 1, [7], { timed: true }));
  assertEquals(short(said), ["hello", "started 1", "done 1"]);
});

for (
  const [flag, error] of [
    [Flag.CANCELLED, hi.JobCancelledError],
    [Flag.TIMED_OUT, hi.JobTimeoutError],
  ] as const
) {
  Deno.test(`synchronous code sees in its flag that it is to stop: ${error.name}`, () => {
    const { runtime, said } = runtimeWithLog();
    runtime.receive(message("runtime_looks_at_flag", 0, [flag]));
    const done = said.at(-1)!;
    const value = done.type === "done" ? done.value : undefined;
    assertInstanceOf(decodeThrown(fromWire(value!)), error);
  });
}

Deno.test("tasks that travel together run one after the other, in order", async () => {
  const { runtime, said } = runtimeWithLog();
  const reason = toWire(encodeThrown(new Error("enough")), []);
  runtime.receive(packBatch([
    message("runtime_calls_or_waits", 1, [1]),
    message("runtime_calls_or_waits", 2, []),
    message("runtime_calls_or_waits", 3, [3]),
  ]));
  await Promise.resolve();
  assertEquals(calls, [1]);
  runtime.receive({
    type: "cancel",
    task: 2,
    flag: 0,
    reason,
    timedOut: false,
  });
  for (let i = 0; i < 10; i++) await Promise.resolve();
  assertEquals(calls, [1, -1, 3]);
  assertEquals(short(said), [
    "hello",
    "done 1",
    "acknowledged 2",
    "done 2",
    "done 3",
  ]);
});

for (const flag of [Flag.RECALLED, Flag.CANCELLED] as const) {
  Deno.test(`a task that was taken back (${flag}) is skipped`, () => {
    const { runtime, said } = runtimeWithLog();
    flags[1] = flag;
    runtime.receive(message("runtime_calls", 1, [1]));
    runtime.receive(message("runtime_calls", 2, [2]));
    assertEquals(calls, [2]);
    assertEquals(short(said), ["hello", "skipped 1", "done 2"]);
    assertEquals([flags[1], flags[2]], [flag, Flag.BEGUN]);
  });
}

Deno.test("after an error outside of a job's call the worker retires and takes nothing more", () => {
  const { runtime, said } = runtimeWithLog();
  runtime.receive(message("runtime_waits", 1, []));
  runtime.stray(new RangeError("from nowhere"));
  runtime.receive(message("runtime_calls", 2, [2]));
  assertEquals(short(said), ["hello", "done 1", "skipped 2"]);
  const done = said[1]!;
  assertEquals(done.type === "done" && done.retire, true);
  assertEquals(calls, []);
});
