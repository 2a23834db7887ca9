/** Copies of values that differ in a chosen way. */

/** What is to differ. */
export interface Rebuild {
  /** Called for each part, in order; what it returns takes the part's place. */
  readonly replace?: (part: unknown, position: number) => unknown;
  /** Puts the keys of plain objects in another order. */
  readonly reorder?: <T>(list: T[]) => T[];
}

/** Builds a value anew, sharing nothing. */
export function rebuild(value: unknown, change: Rebuild = {}): unknown {
  let position = 0;
  const copy = (part: unknown): unknown => {
    const replaced = change.replace?.(part, position++) ?? part;
    if (replaced !== part) return replaced;
    if (typeof part !== "object" || part === null) return part;
    if (part instanceof Map) {
      return new Map([...part].map(([key, item]) => [copy(key), copy(item)]));
    }
    if (part instanceof Set) return new Set([...part].map(copy));
    if (part instanceof DOMException) {
      return new DOMException(part.message, part.name);
    }
    if (ArrayBuffer.isView(part) || part instanceof ArrayBuffer) {
      return structuredClone(part);
    }
    if (part instanceof Date) return new Date(part);
    if (part instanceof URL) return new URL(part);
    if (part instanceof RegExp) {
      const regexp = new RegExp(part);
      regexp.lastIndex = part.lastIndex;
      return regexp;
    }
    if (Object.prototype.toString.call(part).startsWith("[object Temporal.")) {
      return part;
    }
    const prototype = Object.getPrototypeOf(part);
    const target = Array.isArray(part)
      ? new Array(part.length)
      : Error.isError(part)
      ? Reflect.construct(Error, [], prototype.constructor)
      : Object.create(prototype);
    let names = Object.getOwnPropertyNames(part).filter((name) =>
      name !== "stack" && !(name === "length" && Array.isArray(part))
    );
    if (!Array.isArray(part) && !Error.isError(part)) {
      names = change.reorder?.(names) ?? names;
    }
    for (const name of names) {
      const { enumerable } = Object.getOwnPropertyDescriptor(part, name)!;
      Object.defineProperty(target, name, {
        value: copy((part as Record<string, unknown>)[name]),
        enumerable: enumerable!,
        writable: true,
        configurable: true,
      });
    }
    return target;
  };
  return copy(value);
}
