/** Values of every kind, for properties. */

import * as fc from "npm:fast-check@^4";

// Making such values smaller takes minutes; the first one that fails, and its seed, must do.
fc.configureGlobal({ endOnFailure: true });

/** Strings as they come: plain, with lone surrogates, with names that objects have anyway. */
export const text: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.string() },
  { weight: 2, arbitrary: fc.string({ unit: "binary" }) },
  fc.string({
    unit: fc.constantFrom("\ud800", "\udc00", "a", "é", "\u{1f600}"),
  }),
  fc.constantFrom(
    "__proto__",
    "constructor",
    "toString",
    "length",
    "",
    "0",
    "-1",
    "4294967295",
    "\ufeffbom",
    "then",
  ),
);

const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.float(),
  fc.constantFrom(
    0,
    -0,
    NaN,
    Infinity,
    -Infinity,
    23,
    24,
    255,
    256,
    65_535,
    65_536,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53 - 1,
    2 ** 53,
    -(2 ** 53),
    5e-324,
    65_504,
    5.960464477539063e-8,
  ),
);

const primitive: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(undefined, null, true, false),
  number,
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
  text,
);

const bytes = fc.uint8Array({ maxLength: 40 });

/** Copies bytes into a buffer of their own, of whole elements. */
function typed<T>(
  type: { new (buffer: ArrayBuffer): T; BYTES_PER_ELEMENT: number },
): fc.Arbitrary<T> {
  return bytes.map((raw) => {
    const size = type.BYTES_PER_ELEMENT;
    return new type(raw.slice(0, raw.length - raw.length % size).buffer);
  });
}

const view = fc.tuple(bytes, fc.nat(3)).map(([raw, skip]) =>
  // A view is its elements: what is around them in its buffer does not come along.
  raw.subarray(Math.min(skip, raw.length)).slice()
);

const binary: fc.Arbitrary<object> = fc.oneof(
  view,
  bytes.map((raw) => raw.slice().buffer),
  bytes.map((raw) => new DataView(raw.slice().buffer)),
  ...[
    Int8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    BigInt64Array,
    BigUint64Array,
    Float16Array,
    Float32Array,
    Float64Array,
  ].map((type) => typed<object>(type)),
);

const calendar = fc.constantFrom("iso8601", "gregory", "hebrew", "japanese");
const instant = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n });

const temporal: fc.Arbitrary<object> = fc.oneof(
  instant.map((ns) => new Temporal.Instant(ns)),
  fc.tuple(instant, fc.constantFrom("UTC", "Europe/Paris", "+05:30"), calendar)
    .map(([ns, zone, name]) => new Temporal.ZonedDateTime(ns, zone, name)),
  instant.map((ns) => new Temporal.ZonedDateTime(ns, "UTC").toPlainDateTime()),
  fc.tuple(instant, calendar).map(([ns, name]) =>
    new Temporal.ZonedDateTime(ns, "UTC", name).toPlainDate()
  ),
  instant.map((ns) => new Temporal.ZonedDateTime(ns, "UTC").toPlainTime()),
  fc.tuple(
    fc.integer({ min: -9_999, max: 9_999 }),
    fc.integer({ min: 1, max: 12 }),
    calendar,
  )
    .map(([year, month, name]) =>
      new Temporal.PlainYearMonth(year, month, name, 15)
    ),
  fc.tuple(
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 28 }),
    calendar,
  )
    .map(([month, day, name]) =>
      new Temporal.PlainMonthDay(month, day, name, 1_972)
    ),
  fc.tuple(
    fc.boolean(),
    fc.array(fc.nat(100_000), { minLength: 10, maxLength: 10 }),
  )
    .map(([negative, fields]) =>
      new Temporal.Duration(
        ...fields.map((field) => negative && field > 0 ? -field : field),
      )
    ),
);

const scalarObject: fc.Arbitrary<object> = fc.oneof(
  fc.date({ noInvalidDate: false }),
  fc.tuple(
    fc.constantFrom(
      /a/,
      /a\/b/giu,
      /[/\n]/ms,
      /(?<x>.)\k<x>/dy,
      new RegExp(""),
    ),
    fc.nat(9),
  ).map(([pattern, lastIndex]) => {
    const regexp = new RegExp(pattern);
    regexp.lastIndex = lastIndex;
    return regexp;
  }),
  fc.webUrl({ withFragments: true, withQueryParameters: true }).map((href) =>
    new URL(href)
  ),
  temporal,
  binary,
);

function define(target: object, entries: readonly [string, unknown][]): object {
  for (const [key, value] of entries) {
    Object.defineProperty(target, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return target;
}

const errorTypes = [
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
];

const tree = fc.letrec<{ value: unknown; container: unknown }>((tie) => {
  const value = tie("value");
  const entries = fc.array(fc.tuple(text, value), { maxLength: 5 });
  const list = fc.array(value, { maxLength: 5 });
  return {
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      primitive,
      scalarObject,
      tie("container"),
      tie("container"),
    ),
    container: fc.oneof(
      list,
      entries.map((pairs) => define({}, pairs)),
      entries.map((pairs) => define(Object.create(null), pairs)),
      fc.array(fc.tuple(value, value), { maxLength: 4 }).map((pairs) =>
        new Map(pairs)
      ),
      list.map((members) => new Set(members)),
      // Holes, and keys that are no indices.
      fc.tuple(list, fc.array(fc.nat(8)), fc.nat(3), entries).map(
        ([items, holes, more, pairs]) => {
          const array = [...items];
          array.length += more;
          for (const hole of holes) delete array[hole];
          return define(
            array,
            pairs.filter(([key]) => key !== "length" && !/^\d+$/.test(key)),
          );
        },
      ),
      fc.tuple(
        fc.constantFrom(...errorTypes),
        fc.option(text),
        fc.option(value),
        entries,
      ).map(
        ([type, message, cause, pairs]) =>
          define(
            new type(
              message ?? undefined,
              cause === null ? undefined : { cause },
            ),
            pairs.filter(([key]) => key !== "stack"),
          ),
      ),
      fc.tuple(list, text).map(([errors, message]) =>
        new AggregateError(errors, message)
      ),
      fc.tuple(
        text.filter((t) => t.isWellFormed()),
        fc.constantFrom("AbortError", "Odd"),
      ).map(
        ([message, name]) => new DOMException(message, name),
      ),
    ),
  };
});

/** A value that shares nothing. */
export const unshared: fc.Arbitrary<unknown> = tree.value;

/** A value in which objects may stand in several places. */
export const value: fc.Arbitrary<unknown> = fc.oneof(
  tree.value,
  fc.tuple(
    fc.array(tree.container, { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(fc.nat(3), fc.nat(9), fc.nat(9)), {
      minLength: 1,
      maxLength: 6,
    }),
  ).map(([pool, steps]) => {
    // Each step puts two of the objects made so far into another.
    for (const [shape, i, j] of steps) {
      const a = pool[i % pool.length];
      const b = pool[j % pool.length];
      pool.push(
        shape === 0
          ? [a, b]
          : shape === 1
          ? { a, b }
          : shape === 2
          ? new Map([[a, b]])
          : new Set([a, b]),
      );
    }
    return pool;
  }),
);
