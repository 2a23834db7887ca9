/**
 * What is said of parts of a value that cannot be kept where they stand; of values
 * that are of no kind at all, see `refusal.ts`.
 *
 * @module
 */

import { errorText } from "../error_text.ts";
import { UnsupportedValueError } from "../errors.ts";
import { MAX_DEPTH } from "./format.ts";
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

/** Of an object that holds itself; `container` is where it was met first. */
export function cycleRefusal(
  path: string,
  container: string,
): UnsupportedValueError {
  return new UnsupportedValueError(
    `${path} is ${container} again, which makes a cycle, and a cycle is not data: pass a key or an index instead of the object`,
    path,
  );
}

/** Of an object in too many others. */
export function depthRefusal(
  root: string,
  path: string,
): UnsupportedValueError {
  return new UnsupportedValueError(
    `${root} is nested deeper than ${MAX_DEPTH} levels, which is not accepted: pass a flat array with indices instead`,
    path,
  );
}

/** Of an object whose own code failed when it was read. */
export function unreadableRefusal(
  path: string,
  cause: unknown,
): UnsupportedValueError {
  return new UnsupportedValueError(
    `${path} cannot be read as a Proxy or an accessor failed: ${
      errorText(cause)
    }: pass a plain copy of the object`,
    path,
    { cause },
  );
}

/** Of an instance of which its codec makes nothing. */
export function codecRefusal(
  codec: string,
  path: string,
  cause: unknown,
): UnsupportedValueError {
  return new UnsupportedValueError(
    `${path} cannot be encoded as codec ${codec} failed: ${
      cause instanceof Error ? cause.message : String(cause)
    }`,
    path,
    { cause },
  );
}
