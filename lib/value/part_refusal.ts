/**
 * What is said of parts of a value that cannot be kept where they stand; of values
 * that are of no kind at all, see `refusal.ts`.
 *
 * @module
 */

import { UnsupportedValueError } from "../errors.ts";
import { describe } from "./refusal.ts";

/** Of an object with a symbol as key. */
export function symbolKeyRefusal(
  key: symbol,
  path: string,
): UnsupportedValueError {
  return new UnsupportedValueError(
    `${path} has a symbol as key (${
      String(key)
    }), which is not data: use a string as key`,
    path,
  );
}

/** Of an object of a kind that has no keys, with one of its own. */
export function extraKeyRefusal(
  object: object,
  key: string | symbol,
  path: string,
): UnsupportedValueError {
  return new UnsupportedValueError(
    `${path} is ${describe(object)} with a key of its own (${
      String(key)
    }), which would be lost: pass a plain object that holds both`,
    path,
  );
}

/** Of a property with a getter or setter. */
export function accessorRefusal(path: string): UnsupportedValueError {
  return new UnsupportedValueError(
    `${path} is an accessor (get or set), which is not data: pass a plain copy of the object`,
    path,
  );
}

/** Of a property that is not enumerable. */
export function hiddenRefusal(path: string): UnsupportedValueError {
  return new UnsupportedValueError(
    `${path} is not enumerable, which is not data: pass a plain copy of the object`,
    path,
  );
}

/** Of a buffer that was transferred, or a view of one. */
export function detachedRefusal(path: string): UnsupportedValueError {
  return new UnsupportedValueError(
    `${path} has a detached buffer, whose bytes are gone: pass a copy made before it was transferred`,
    path,
  );
}

/** Of shared memory that somebody may write to. */
export function sharedMemoryRefusal(path: string): UnsupportedValueError {
  return new UnsupportedValueError(
    `${path} is shared memory, to which others may write, which is not data: call hi.share on it if nobody does any more, or copy it with slice()`,
    path,
  );
}

/** Of a buffer whose length may change. */
export function resizableRefusal(path: string): UnsupportedValueError {
  return new UnsupportedValueError(
    `${path} has a resizable buffer, which is not data: copy it with slice()`,
    path,
  );
}

/** Of a second view of a buffer. */
export function sharedBufferRefusal(
  root: string,
  path: string,
): UnsupportedValueError {
  return new UnsupportedValueError(
    `${path} shares its buffer with another part of ${root}, and what is written through one would show in the other: copy it with slice()`,
    path,
  );
}

/** Of a job where its result could not take its place. */
export function joblessRefusal(
  place: string,
  path: string,
): UnsupportedValueError {
  return new UnsupportedValueError(
    `${path} is a job in ${place}, where its result could not take its place: await it first, and pass its result`,
    path,
  );
}

/** Of an object that is another one each time it is read. */
export function changingRefusal(path: string): UnsupportedValueError {
  return new UnsupportedValueError(
    `${path} is another object each time it is read, so it is not data: pass a plain copy`,
    path,
  );
}
