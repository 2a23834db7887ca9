/**
 * The error classes that come back as themselves: those of the language, of the
 * platform, of Deno, and hither's own. And how an error of one is made again.
 *
 * @module
 */

import * as own from "../errors.ts";

/** A class of errors. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/** The name of the one class whose instances keep message and name out of sight. */
export const DOM_EXCEPTION = "DOMException";

interface ErrorClasses {
  readonly byName: ReadonlyMap<string, ErrorClass>;
  readonly byPrototype: ReadonlyMap<object, string>;
}

let classes: ErrorClasses | undefined;

/** Listed with the first error: most programs have none. */
function allClasses(): ErrorClasses {
  if (classes !== undefined) return classes;
  const byName = new Map<string, ErrorClass>();
  for (
    const type of [
      Error,
      EvalError,
      RangeError,
      ReferenceError,
      SyntaxError,
      TypeError,
      URIError,
      AggregateError,
      SuppressedError,
      DOMException,
    ]
  ) byName.set(type.name, type);
  for (const [name, type] of Object.entries(Deno.errors)) {
    byName.set(`Deno.errors.${name}`, type);
  }
  for (const [name, type] of Object.entries(own)) byName.set(name, type);
  const byPrototype = new Map<object, string>();
  for (const [name, { prototype }] of byName) byPrototype.set(prototype, name);
  return classes = { byName, byPrototype };
}

/** The error class of a name. */
export function errorClass(name: string): ErrorClass | undefined {
  return allClasses().byName.get(name);
}

/** The name of the error class that has this prototype. */
export function errorClassName(prototype: object): string | undefined {
  return allClasses().byPrototype.get(prototype);
}

/** The prototypes of all error classes. */
export function errorPrototypes(): Iterable<object> {
  return allClasses().byPrototype.keys();
}

/** An error of a class, without the class's constructor being run: it has a stack, and nothing else of its own. */
export function bareError(type: ErrorClass): Error {
  return Reflect.construct(Error, [], type);
}

/** The error that had these properties; `enumerable` names those of them that can be seen. */
export function errorOfParts(
  name: string,
  type: ErrorClass,
  properties: [string, unknown][],
  enumerable: ReadonlySet<string>,
): Error {
  let error: Error;
  if (name === DOM_EXCEPTION) {
    const [message, kind] = properties.splice(0, 2);
    error = new DOMException(String(message?.[1]), String(kind?.[1]));
  } else {
    error = bareError(type);
  }
  if (properties[0]?.[0] !== "stack") delete error.stack;
  for (const [key, value] of properties) {
    if (key === "stack") {
      // An accessor of the engine's own, on the object itself.
      if (!Object.hasOwn(error, key)) Error.captureStackTrace(error);
      error.stack = value as string;
      continue;
    }
    Object.defineProperty(error, key, {
      value,
      writable: true,
      enumerable: enumerable.has(key),
      configurable: true,
    });
  }
  return error;
}
