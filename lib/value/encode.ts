/**
 * From a value to its faithful bytes.
 *
 * @module
 */

import type { LeafSource } from "./binary_writer.ts";
import {
  type EncodedValue,
  type Leaf,
  type LeafDigests,
  MemoryLeaf,
} from "./encoded.ts";
import { type LeafMarks, LentLeaf, MARKED_BYTES, markOf } from "./lent_leaf.ts";
import { sha256Hex } from "./sha256.ts";
import { InPlaceLeaf } from "./in_place.ts";
import type { Transfers } from "./transfer.ts";
import { withWriter } from "./writer.ts";

/** How to encode a value. */
export interface EncodeOptions {
  /** How paths in messages begin: `"args"`, `"result"`. */
  root?: string;
  /** Called for objects of no known kind: a number is written as a reference to the job of that index. */
  job?: (node: object) => number | undefined;
  /** Digests of binary leaves that are known. */
  digests?: LeafDigests;
  /** Given where leaves that are lent get marks: those that are known. */
  marks?: LeafMarks | undefined;
  /**
   * Whose bytes the leaves have: a copy, the value's own where the value is its whole
   * buffer and nobody needs it any more, or the caller's, looked at again before each use.
   */
  leaves?: "copy" | "take" | "lend";
  /** Whether a file that was given by a relative path keeps it, instead of the absolute one. */
  relative?: boolean;
  /** Given where something may be there to be transferred: its leaves get their bytes with `take`. */
  transfers?: Transfers | undefined;
  /** Whether shared memory is seen where it is, as by jobs that have it as an argument; otherwise it is copied. */
  inPlace?: boolean;
}

/**
 * Encodes a value.
 *
 * @throws {UnsupportedValueError} if some of it is not data.
 */
export function encodeValue(
  value: unknown,
  options: EncodeOptions = {},
): EncodedValue {
  const { root = "value", job, digests, leaves = "copy", relative = false } =
    options;
  const { marks, transfers, inPlace } = options;
  return withWriter(
    { root, deterministic: false, job, digests, relative, transfers, inPlace },
    (writer) => {
      writer.write(value);
      const encoded = {
        bytes: writer.out.copy(),
        leaves: writer.binary.leaves.map((source) =>
          isOwn(source.bytes) && transfers?.hasBuffer(source.bytes.buffer)
            ? transfers.leaf(
              source.bytes,
              digests?.get(source.object),
              source.path,
            )
            : leaf(source, leaves, digests, marks)
        ),
      };
      const { files } = writer;
      return files.length === 0 ? encoded : { ...encoded, files };
    },
  );
}

function leaf(
  { object, bytes, path, part }: LeafSource,
  mode: "copy" | "take" | "lend",
  digests: LeafDigests | undefined,
  marks: LeafMarks | undefined,
): Leaf {
  if (part !== undefined) {
    return new InPlaceLeaf(part, bytes.byteLength, path, object);
  }
  let digest = digests?.get(object);
  if (!isOwn(bytes)) return new MemoryLeaf(bytes.slice(), digest);
  if (mode === "lend") {
    // Not for what is lent in case of a loss alone: that is hardly ever looked at again.
    const mark = marks !== undefined && bytes.byteLength >= MARKED_BYTES
      ? marks.get(object) ?? markOf(bytes)
      : undefined;
    if (digest === undefined && mark === undefined) {
      digest = sha256Hex(bytes);
      digests?.set(object, digest);
    }
    return new LentLeaf(bytes, digest, mark, path);
  }
  const whole = bytes.byteLength === bytes.buffer.byteLength;
  return new MemoryLeaf(
    mode === "take" && whole ? bytes : bytes.slice(),
    digest,
  );
}

/** Whether bytes are in no shared memory. */
function isOwn(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer;
}
