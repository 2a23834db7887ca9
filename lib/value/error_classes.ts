/**
 * The error classes that come back as themselves: those of the language, of the
 * platform, of Deno, and hither's own.
 *
 * @module
 */

import * as own from "../errors.ts";

/** A class of errors. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/** The name of the one class whose instances keep message and name out of sight. */
export const DOM_EXCEPTION = "DOMException";

const byName = new Map<string, ErrorClass>();
const byPrototype = new Map<object, string>();

function add(name: string, type: ErrorClass): void {
  byName.set(name, type);
  byPrototype.set(type.prototype, name);
}

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
) add(type.name, type);
for (const [name, type] of Object.entries(Deno.errors)) {
  add(`Deno.errors.${name}`, type);
}
for (const [name, type] of Object.entries(own)) add(name, type);

/** The error class of a name. */
export function errorClass(name: string): ErrorClass | undefined {
  return byName.get(name);
}

/** The name of the error class that has this prototype. */
export function errorClassName(prototype: object): string | undefined {
  return byPrototype.get(prototype);
}

/** The prototypes of all error classes. */
export function errorPrototypes(): Iterable<object> {
  return byPrototype.keys();
}

/** An error of a class, without the class's constructor being run: it has a stack, and nothing else of its own. */
export function bareError(type: ErrorClass): Error {
  return Reflect.construct(Error, [], type);
}
