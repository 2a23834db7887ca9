/**
 * XXH3-64 (Yann Collet), which guards each read of a blob: at memory speed, by
 * WebAssembly, loaded when the first blob is met.
 *
 * @module
 */

/** The part of the library's hasher that is used. */
export interface Hasher {
  init(): unknown;
  update(data: Uint8Array): unknown;
  digest(format: "binary"): Uint8Array;
}

let loading: Promise<void> | undefined;
let loaded = false;
// One hasher for the isolate, as each has a WebAssembly memory of its own. Nobody may await while using it.
let hasher: Hasher | undefined;

/** The hasher, where it is loaded and can be had; else SHA-256 serves. */
export function xxh3(): Hasher | undefined {
  return hasher;
}

/** Loads the hasher: a promise that never rejects, or `undefined` if that is over. */
export function loadXxh3(): Promise<void> | undefined {
  if (loaded) return undefined;
  return loading ??= import("npm:hash-wasm@^4/dist/index.esm.min.js")
    .then(({ createXXHash3 }) => createXXHash3())
    .then((created) => {
      hasher = created;
    }, () => {
      // Not to be had here (no network, nothing in Deno's cache): each blob has its SHA-256 too.
    })
    .finally(() => {
      loaded = true;
    });
}
