/**
 * The pins of a cache in the portable layout: a file each, named by the digest of
 * the pin, so that adding and taking away are one step on any disk.
 *
 * @module
 */

import { join } from "../value/paths.ts";
import { sha256Hex } from "../value/sha256.ts";
import {
  infoOf,
  names,
  type PortableFolder,
  remove,
} from "./portable_folder.ts";
import type { Pin } from "./report.ts";
import { checkPin } from "./victims.ts";

const encoder = new TextEncoder();

/** The pins of one cache. */
export class PortablePins {
  readonly #files: PortableFolder;
  readonly #path: string;

  constructor(files: PortableFolder) {
    this.#files = files;
    this.#path = join(files.folder.path, "pins");
  }

  /** All pins; a damaged one is none. */
  all(): Pin[] {
    const pins: Pin[] = [];
    for (const name of names(this.#path, /^[0-9a-f]{64}$/)) {
      const bytes = this.#files.readOrNothing(join(this.#path, name));
      if (bytes !== undefined && sha256Hex(bytes) === name) {
        const [kind, value] = JSON.parse(new TextDecoder().decode(bytes));
        pins.push(checkPin({ kind, value }, "Cannot read a pin"));
      }
    }
    return pins;
  }

  /** Adds a pin; whether it was new. */
  add(pin: Pin): boolean {
    const { path, bytes } = this.#file(pin);
    if (infoOf(path) !== undefined) return false;
    this.#files.write(path, bytes);
    return true;
  }

  /** Takes a pin away; whether there was one. */
  remove(pin: Pin): boolean {
    return remove(this.#file(pin).path);
  }

  #file({ kind, value }: Pin): { path: string; bytes: Uint8Array } {
    const bytes = encoder.encode(JSON.stringify([kind, value]));
    return { path: join(this.#path, sha256Hex(bytes)), bytes };
  }
}
