/**
 * Two ways to compare values: by everything that a program can see, and by what
 * counts for a key. Both are written without any of the code under test.
 */

/** Where two values differ in what a program can see; `undefined` if nowhere. */
export function difference(a: unknown, b: unknown): string | undefined {
  return new Comparison(true).compare(a, b, "value");
}

/** Whether two values are the same in the sense that counts for a key. */
export function meansTheSame(a: unknown, b: unknown): boolean {
  return new Comparison(false).compare(a, b, "value") === undefined;
}

type Brand = readonly [name: string, content: unknown];

class Comparison {
  readonly #exact: boolean;
  readonly #left = new Map<object, object>();
  readonly #right = new Map<object, object>();

  constructor(exact: boolean) {
    this.#exact = exact;
  }

  compare(a: unknown, b: unknown, path: string): string | undefined {
    if (
      typeof a !== "object" || typeof b !== "object" || a === null || b === null
    ) {
      return Object.is(a, b)
        ? undefined
        : `${path}: ${show(a)} is not ${show(b)}`;
    }
    if (this.#exact) {
      const partner = this.#left.get(a);
      if (partner !== undefined || this.#right.has(b)) {
        return partner === b ? undefined : `${path}: shared otherwise`;
      }
      this.#left.set(a, b);
      this.#right.set(b, a);
    }
    if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) {
      return `${path}: another prototype`;
    }
    const [name, content] = brand(a);
    const [otherName, otherContent] = brand(b);
    if (name !== otherName) return `${path}: ${name} is not ${otherName}`;
    return this.#content(content, otherContent, `${path}<${name}>`) ??
      this.#keys(a, b, path);
  }

  #content(a: unknown, b: unknown, path: string): string | undefined {
    if (!Array.isArray(a) || !Array.isArray(b)) {
      return Object.is(a, b)
        ? undefined
        : `${path}: ${show(a)} is not ${show(b)}`;
    }
    if (a.length !== b.length) return `${path}: ${a.length} is not ${b.length}`;
    for (let i = 0; i < a.length; i++) {
      const found = this.compare(a[i], b[i], `${path}[${i}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #keys(a: object, b: object, path: string): string | undefined {
    const prototype = Object.getPrototypeOf(a);
    const plain = !Array.isArray(a) &&
      (prototype === Object.prototype || prototype === null);
    let [keys, others] = [ownKeys(a), ownKeys(b)];
    if (!this.#exact && Error.isError(a)) {
      [keys, others] = [keys, others].map((list) =>
        list.filter((key) => key !== "stack")
      ) as [string[], string[]];
    }
    if (!this.#exact && plain) [keys, others] = [keys.sort(), others.sort()];
    const [text, other] = [JSON.stringify(keys), JSON.stringify(others)];
    if (text !== other) return `${path}: keys ${text} are not ${other}`;
    for (const key of keys) {
      const [property, otherProperty] = [a, b].map((object) =>
        Object.getOwnPropertyDescriptor(object, key)!
      ) as [PropertyDescriptor, PropertyDescriptor];
      const where = `${path}[${JSON.stringify(key)}]`;
      if (property.enumerable !== otherProperty.enumerable) {
        return `${where}: enumerable in one only`;
      }
      if (("value" in property) !== ("value" in otherProperty)) {
        return `${where}: an accessor in one only`;
      }
      const found = this.compare(
        (a as Record<string, unknown>)[key],
        (b as Record<string, unknown>)[key],
        where,
      );
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

function ownKeys(object: object): string[] {
  // The elements of typed arrays are compared as content.
  return ArrayBuffer.isView(object) ? [] : Object.getOwnPropertyNames(object);
}

/** What an object holds besides its own properties. */
function brand(object: object): Brand {
  if (object instanceof Map) return ["Map", [...object].flat()];
  if (object instanceof Set) return ["Set", [...object]];
  if (object instanceof Date) return ["Date", object.getTime()];
  if (object instanceof URL) return ["URL", object.href];
  if (object instanceof RegExp) return ["RegExp", String(object)];
  if (object instanceof ArrayBuffer) {
    return ["ArrayBuffer", new Uint8Array(object).toHex()];
  }
  if (ArrayBuffer.isView(object)) {
    const bytes = new Uint8Array(
      object.buffer as ArrayBuffer,
      object.byteOffset,
      object.byteLength,
    );
    return ["view", bytes.toHex()];
  }
  if (object instanceof DOMException) {
    return ["DOMException", [object.name, object.message, object.code]];
  }
  // A name of its own may be any value: that is compared as a property.
  if (Error.isError(object)) {
    return ["Error", Object.hasOwn(object, "name") ? "" : object.name];
  }
  const tag = Object.prototype.toString.call(object);
  if (tag.startsWith("[object Temporal.")) return [tag, temporalFields(object)];
  return ["", undefined];
}

function temporalFields(object: object): unknown[] {
  if (object instanceof Temporal.Duration) {
    return [
      object.years,
      object.months,
      object.weeks,
      object.days,
      object.hours,
      object.minutes,
      object.seconds,
      object.milliseconds,
      object.microseconds,
      object.nanoseconds,
    ];
  }
  if (object instanceof Temporal.Instant) return [object.epochNanoseconds];
  if (object instanceof Temporal.PlainTime) return [object.toString()];
  return [(object as Temporal.PlainDate).toString({ calendarName: "always" })];
}

function show(value: unknown): string {
  return typeof value === "string"
    ? JSON.stringify(value.slice(0, 60))
    : Deno.inspect(value).slice(0, 60);
}
