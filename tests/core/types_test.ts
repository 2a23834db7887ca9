// What the type checker must accept and refuse; the checks at run time are few.
import { assertEquals } from "@std/assert";
import * as hi from "../../mod.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Compiles only if the two types are the same. */
function sameType<A, B>(
  _same: (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2)
    ? true
    : false,
): void {}

const square = hi.func("types_square", "1", (x: number) => x * x);
const later = hi.func(
  "types_later",
  "1",
  async (x: string, n = 1) => await Promise.resolve(x.repeat(n)),
);
const sum = hi.func(
  "types_sum",
  "1",
  (rows: { id: string; at: [number, number] }[]) =>
    rows.reduce((total, { at }) => total + at[0] + at[1], 0),
);
const countKeys = hi.func("types_json", "1", (json: Json) => json);
const ofMap = hi.func(
  "types_map",
  "1",
  (map: Map<string, number>) => [...map.values()].reduce((a, b) => a + b, 0),
);

Deno.test("a Job has the awaited type of what the function returns", async () => {
  const job = later.run("ab", 2);
  sameType<typeof job, hi.Job<string>>(true);
  const result = await job;
  sameType<typeof result, string>(true);
  sameType<ReturnType<typeof square.map>, hi.Job<number>[]>(true);
  assertEquals(result, "abab");
});

Deno.test("what is given away has the type that it has", async () => {
  type Numbers = Float64Array<ArrayBuffer>;
  const halve = hi.func(
    "types_halve",
    "1",
    (array: Numbers) => hi.transfer(array.map((x) => x / 2)),
  );
  const job = halve.run(hi.transfer(new Float64Array([4])));
  sameType<typeof job, hi.Job<Numbers>>(true);
  const result: Numbers = halve(new Float64Array([2]));
  assertEquals([(await job)[0], result[0]], [2, 1]);
  const wrong = () => {
    // @ts-expect-error what is given away is no other array than before
    halve.run(hi.transfer(new Int8Array(1)));
  };
  assertEquals(typeof wrong, "function");
});

Deno.test("what is shared has the type of the same view on shared memory", async () => {
  const floats = hi.share(new Float64Array(2));
  sameType<typeof floats, Float64Array<SharedArrayBuffer>>(true);
  const clamped = hi.share(new Uint8ClampedArray(2));
  sameType<typeof clamped, Uint8ClampedArray<SharedArrayBuffer>>(true);
  const view = hi.share(new DataView(new ArrayBuffer(2)));
  sameType<typeof view, DataView<SharedArrayBuffer>>(true);
  const buffer = hi.share(new ArrayBuffer(2));
  sameType<typeof buffer, SharedArrayBuffer>(true);
  const made = hi.share(new Int8Array(new SharedArrayBuffer(2)));
  sameType<typeof made, Int8Array<SharedArrayBuffer>>(true);
  const any = hi.share(floats as ArrayBufferView);
  sameType<typeof any, ArrayBufferView<SharedArrayBuffer>>(true);
  const length = hi.func("types_length", "1", (a: Float64Array) => a.length);
  const own = hi.func(
    "types_own",
    "1",
    (a: Float64Array<ArrayBuffer>) => a.length,
  );
  assertEquals(await length.run(floats), 2);
  const wrong = () => {
    // @ts-expect-error a function that wants an array of its own gets none
    own.run(floats);
    // @ts-expect-error a list is no array of numbers
    hi.share([1, 2]);
  };
  assertEquals(typeof wrong, "function");
});

Deno.test("a plain call keeps the function's own type", () => {
  const result: number = square(3);
  assertEquals(result, 9);
});

Deno.test("a Job may stand anywhere in the arguments", async () => {
  const one = square.run(1);
  assertEquals(await sum.run([{ id: "a", at: [one, 2] }]), 3);
  assertEquals(
    await sum.run([{ id: later.run("a"), at: [one, square.run(2)] }]),
    5,
  );
  assertEquals(await countKeys.run({ deep: [one, { deeper: one }] }), {
    deep: [1, { deeper: 1 }],
  });
  assertEquals(await ofMap.run(new Map([["a", one]])), 1);
});

Deno.test("wrong arguments do not compile", () => {
  const wrong = () => {
    // @ts-expect-error a string is no number
    square.run("1");
    // @ts-expect-error an argument is missing
    square.run();
    // @ts-expect-error one argument too many
    square.run(1, 2);
    // @ts-expect-error a Job of a string is no Job of a number
    square.run(later.run("a"));
    // @ts-expect-error a tuple of two is no tuple of three
    sum.run([{ id: "a", at: [1, 2, 3] }]);
    // @ts-expect-error there is no such option
    square.with({ timeot: 1 });
    // @ts-expect-error a version is a string
    hi.func("types_wrong", 1, () => 1);
  };
  assertEquals(typeof wrong, "function");
});

Deno.test("optional arguments may be left out", async () => {
  assertEquals(await later.run("ab"), "ab");
});
