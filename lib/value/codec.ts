/**
 * Classes of the user's own that are data all the same, because a codec turns
 * their instances into values and back.
 *
 * @module
 */

import { isKnownPrototype } from "./kinds.ts";
import { shown } from "./refusal.ts";

/** How instances of a class become values and come back; see {@linkcode registerCodec}. */
export interface Codec<T extends object = object, V = unknown> {
  /** A name of the class that stays the same: it is part of keys and of stored bytes. */
  readonly name: string;
  /** The class. Its subclasses need codecs of their own. */
  readonly type: { readonly name: string; readonly prototype: T };
  /** The data of an instance. Instances that mean the same must give the same data. */
  readonly encode: (instance: T) => V;
  /** An instance with that data. */
  readonly decode: (value: V) => T;
}

const KEYS: ReadonlySet<string> = new Set(["name", "type", "encode", "decode"]);

// The codecs of this isolate. Which classes are data is a property of the program.
const byName = new Map<string, Codec>();
const byPrototype = new Map<object, Codec>();

/**
 * Makes instances of a class acceptable as arguments and results. A worker must register
 * the codec too, so register it in the module that defines the class.
 *
 * @param codec Its `name` is part of keys and of stored bytes; its `encode` and `decode`
 * turn an instance into any value that is data, and back.
 * @throws {TypeError} if the codec is not complete or has other keys, its class has a codec, is data
 * without one or has a method `then`, or its name is taken.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * class Point {
 *   constructor(readonly x: number, readonly y: number) {}
 * }
 * hi.registerCodec({
 *   name: "codec_doc_Point",
 *   type: Point,
 *   encode: ({ x, y }) => [x, y],
 *   decode: ([x, y]) => new Point(x, y),
 * });
 *
 * const mirror = hi.func("codec_doc_mirror", "1", (p: Point) => new Point(p.y, p.x));
 * const mirrored = await mirror.run(new Point(1, 2));
 * console.assert(mirrored instanceof Point && mirrored.x === 2);
 * ```
 */
export function registerCodec<T extends object, const V>(
  codec: Codec<T, V>,
): void {
  if (typeof codec !== "object" || codec === null) {
    throw new TypeError(
      `Cannot register a codec as it must be an object of name, type, encode and decode: current value is ${
        shown(codec)
      }`,
    );
  }
  const { name, type, encode, decode } = codec;
  if (typeof name !== "string" || name === "") {
    throw new TypeError(
      `Cannot register a codec as its name must be a text that is not empty: current value is ${
        shown(name)
      }`,
    );
  }
  for (const key of Object.keys(codec)) {
    if (KEYS.has(key)) continue;
    throw new TypeError(
      `Cannot register codec ${name} as it has the unknown key ${key}: its keys are ${
        [...KEYS].join(", ")
      }`,
    );
  }
  if (
    typeof (type as unknown) !== "function" ||
    !(type.prototype instanceof Object)
  ) {
    throw new TypeError(
      `Cannot register codec ${name} as its type must be a class: current value is ${
        shown(type)
      }`,
    );
  }
  if ("then" in type.prototype) {
    throw new TypeError(
      `Cannot register codec ${name} as its type must not have a method then: current value is ${
        shown(type)
      }, and await would take its instances for promises: await them first, and pass the result`,
    );
  }
  if (typeof encode !== "function" || typeof decode !== "function") {
    throw new TypeError(
      `Cannot register codec ${name} as its encode and decode must be functions: current values are ${
        shown(encode)
      } and ${shown(decode)}`,
    );
  }
  if (byName.has(name)) {
    throw new TypeError(
      `Cannot register codec ${name} as one of that name is registered: give it another name`,
    );
  }
  const earlier = byPrototype.get(type.prototype);
  if (earlier !== undefined) {
    throw new TypeError(
      `Cannot register codec ${name} as its class ${type.name} has one: it is named ${earlier.name}`,
    );
  }
  if (isKnownPrototype(type.prototype)) {
    throw new TypeError(
      `Cannot register codec ${name} as ${type.name} is data without one: pass its instances as they are`,
    );
  }
  const kept = { name, type, encode, decode } as unknown as Codec;
  byName.set(name, kept);
  byPrototype.set(type.prototype, kept);
}

/** The codec of a name. */
export function codecOfName(name: string): Codec | undefined {
  return byName.get(name);
}

/** The codec of the class that has this prototype. */
export function codecOfPrototype(prototype: object): Codec | undefined {
  return byPrototype.get(prototype);
}
