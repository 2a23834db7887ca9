/** What is pinned of a value, and the file it is pinned in. */

import { contributionOf, jobKey } from "../../lib/value/contribution.ts";
import { encodeValue } from "../../lib/value/encode.ts";
import { FORMAT_VERSION } from "../../lib/value/format.ts";
import { sha256Hex } from "../../lib/value/sha256.ts";
import { values } from "./values.ts";

/** What is pinned of a value. */
export interface Vector {
  /** The name of the value in `values.ts`. */
  readonly name: string;
  /** Its faithful bytes, and behind them the SHA-256 of each leaf. */
  readonly bytes: string;
  /** What it contributes to a key. */
  readonly contribution: string;
  /** The key of the job `golden` 1 that has it as its argument. */
  readonly key: string;
}

/** The file. */
export interface Vectors {
  /** The format version that it was written with. */
  readonly format: number;
  readonly vectors: readonly Vector[];
}

const FILE = new URL("vectors.json", import.meta.url);

/** Longer bytes are pinned by their digest. */
const SHOWN_BYTES = 160;

/** What the present code makes of the values. */
export function computed(): Vectors {
  const vectors = Object.entries(values).map(([name, value]) => {
    const { bytes, leaves } = encodeValue(value);
    return {
      name,
      bytes: [
        hex(bytes),
        ...leaves.map((leaf) => `leaf ${sha256Hex(leaf.peek())}`),
      ].join(" "),
      contribution: hex(contributionOf(value)),
      key: jobKey("golden", "1", [value]).toHex(),
    };
  });
  return { format: FORMAT_VERSION, vectors };
}

/** What is pinned; `undefined` if nothing is yet. */
export function pinned(): Vectors | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(FILE));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Pins vectors. */
export function pin(vectors: Vectors): void {
  Deno.writeTextFileSync(FILE, JSON.stringify(vectors, undefined, 2) + "\n");
}

function hex(bytes: Uint8Array): string {
  return bytes.length > SHOWN_BYTES
    ? `${bytes.length} bytes with SHA-256 ${sha256Hex(bytes)}`
    : bytes.toHex();
}
