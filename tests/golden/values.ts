/** The values whose bytes and keys are pinned, by name. */

import { registerCodec } from "../../lib/value/codec.ts";
import { FileReference } from "../../lib/value/file_reference.ts";
import { FolderReference } from "../../lib/value/folder_reference.ts";

class Point {
  constructor(readonly x: number, readonly y: number) {}
}

registerCodec({
  name: "golden_Point",
  type: Point,
  encode: ({ x, y }) => [x, y],
  decode: ([x, y]) => new Point(x, y),
});

/** A stack is part of the bytes, and differs from place to place. */
function withStack<E extends Error>(error: E): E {
  error.stack = "a stack";
  return error;
}

const shared = { a: 1 };
const sparse: number[] = [];
sparse[1_000_000] = 1;

/** Each value is made once, here. */
export const values: Readonly<Record<string, unknown>> = {
  "undefined": undefined,
  "null": null,
  "true": true,
  "false": false,
  "0": 0,
  "-0": -0,
  "23": 23,
  "24": 24,
  "-1": -1,
  "-25": -25,
  "255": 255,
  "256": 256,
  "65536": 65_536,
  "2^32": 2 ** 32,
  "2^53 - 1": 2 ** 53 - 1,
  "-(2^53 - 1)": -(2 ** 53 - 1),
  "2^53": 2 ** 53,
  "0.5 (half)": 0.5,
  "65504.5 (single)": 65_504.5,
  "0.1 (double)": 0.1,
  "5e-324": 5e-324,
  "1.7976931348623157e308": Number.MAX_VALUE,
  "NaN": NaN,
  "Infinity": Infinity,
  "-Infinity": -Infinity,
  "0n": 0n,
  "1n": 1n,
  "-1n": -1n,
  "-256n": -256n,
  "2n ** 64n": 2n ** 64n,
  "empty string": "",
  "ASCII": "hello",
  "24 letters": "abcdefghijklmnopqrstuvwx",
  "not ASCII": "é€😀",
  "lone surrogate": "a\ud800b",
  "byte order mark": "\ufeff",
  "1,021 letters": "a".repeat(1_021),
  "1,022 letters": "a".repeat(1_022),
  "empty array": [],
  "array": [1, "two", [3]],
  "array with a hole": [1, , 3],
  "array of holes": new Array(3),
  "array with undefined": [1, undefined, 3],
  "sparse array": sparse,
  "array with a key": Object.assign([1], { note: "x" }),
  "empty object": {},
  "object": { b: 1, aa: 2, a: 3 },
  "object with undefined": { a: undefined },
  "object with odd keys": { "": 1, "é": 2, "\ud800": 3, 7: 4 },
  "object with __proto__": JSON.parse('{"__proto__": 1}'),
  "object without prototype": Object.assign(Object.create(null), { a: 1 }),
  "long object": Object.fromEntries(
    Array.from({ length: 300 }, (_, i) => [`key${i}`, i]),
  ),
  "empty Map": new Map(),
  "Map": new Map<unknown, unknown>([["b", 1], [{ a: 1 }, "two"], [NaN, null]]),
  "empty Set": new Set(),
  "Set": new Set<unknown>(["b", 1, [2]]),
  "shared object": [shared, shared, { shared }],
  "Date": new Date(Date.UTC(2024, 1, 29, 12, 30, 15, 250)),
  "Date before 1970": new Date(-1.5e12),
  "invalid Date": new Date(NaN),
  "RegExp": /a\/(?<b>.)/giu,
  "RegExp with lastIndex": Object.assign(/a/g, { lastIndex: 2 }),
  "URL": new URL("https://example.org/a?b=c#d"),
  "ArrayBuffer": Uint8Array.of(1, 2, 3).buffer,
  "DataView": new DataView(Uint8Array.of(1, 2, 3).buffer),
  "Uint8Array": Uint8Array.of(0, 255),
  "Uint8ClampedArray": Uint8ClampedArray.of(0, 255),
  "Int8Array": Int8Array.of(-1, 1),
  "Uint16Array": Uint16Array.of(1, 65_535),
  "Int16Array": Int16Array.of(1, -1),
  "Uint32Array": Uint32Array.of(1, 2 ** 32 - 1),
  "Int32Array": Int32Array.of(1, -1),
  "BigUint64Array": BigUint64Array.of(1n, 2n ** 64n - 1n),
  "BigInt64Array": BigInt64Array.of(1n, -1n),
  "Float16Array": Float16Array.of(1.5, -0),
  "Float32Array": Float32Array.of(1.5, NaN),
  "Float64Array": Float64Array.of(0.1, -0),
  "view of a part": new Float32Array(new ArrayBuffer(16), 4, 2),
  "1,024 bytes": new Uint8Array(1_024),
  "1,025 bytes": new Uint8Array(1_025),
  "64 KiB in a leaf": { table: new Float64Array(8_192) },
  "Error": withStack(new Error("message")),
  "RangeError with cause": withStack(
    new RangeError("message", { cause: { a: 1 } }),
  ),
  "Error without message": withStack(new Error()),
  "Error with properties": withStack(
    Object.assign(new TypeError("m"), { name: "Odd", code: 7 }),
  ),
  "AggregateError": withStack(
    new AggregateError([withStack(new Error("a")), 5], "all"),
  ),
  "DOMException": withStack(new DOMException("message", "AbortError")),
  "Temporal.Instant": Temporal.Instant.from("2024-02-29T12:30:15.123456789Z"),
  "Temporal.ZonedDateTime": Temporal.ZonedDateTime.from(
    "2024-02-29T12:30[Europe/Paris]",
  ),
  "Temporal.PlainDate": Temporal.PlainDate.from("2024-02-29"),
  "Temporal.PlainDate of another calendar": Temporal.PlainDate.from(
    "2024-02-29[u-ca=hebrew]",
  ),
  "Temporal.PlainTime": Temporal.PlainTime.from("12:30:15.5"),
  "Temporal.PlainDateTime": Temporal.PlainDateTime.from("2024-02-29T12:30"),
  "Temporal.PlainYearMonth": Temporal.PlainYearMonth.from("2024-02"),
  "Temporal.PlainMonthDay": Temporal.PlainMonthDay.from("02-29"),
  "Temporal.Duration": Temporal.Duration.from({
    hours: 1,
    milliseconds: 1_500,
  }),
  "instance with a codec": new Point(1, 2),
  "file": new FileReference("/data/a.txt", "ab".repeat(32), 5),
  "empty folder": new FolderReference("/data", []),
  "folder": new FolderReference("/data", [
    { path: "sub", kind: "folder", digest: "", size: 0 },
    { path: "sub/a.txt", kind: "file", digest: "ab".repeat(32), size: 5 },
    { path: "sub-ü", kind: "executable", digest: "cd".repeat(32), size: 700 },
  ]),
};
