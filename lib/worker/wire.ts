/**
 * Encoded values on their way between threads.
 *
 * @module
 */

import { type EncodedValue, LEAF_BYTES, MemoryLeaf } from "../value/encoded.ts";
import type { CodeReference, Task } from "../task.ts";
import type { RepeatedLeaves } from "../value/repeated_leaves.ts";
import { InPlaceLeaf, promise, SharedPart } from "../value/in_place.ts";
import { SharedLeaf } from "../value/shared_leaf.ts";
import { SmallValue } from "../value/small.ts";
import { TransferredLeaf } from "../value/transfer.ts";
import type {
  InPlaceWireLeaf,
  WireCode,
  WireLeaf,
  WireValue,
} from "./protocol.ts";
import type { NestedMemory, TaskMemory } from "./task_memory.ts";

/** How what was transferred goes: it moves; a copy of it moves; or it is only looked at until it is sent. */
export type Handover = "move" | "copy" | "lend";

/**
 * A value as it is sent. Its leaves move: their buffers go into `transfer`.
 *
 * @param repeated Leaves that many have in common, where the receiver takes these from memory where they stay.
 * @param handover How what was transferred goes.
 * @throws {ArgumentChangedError} and {ResultLostError} as a leaf's `read` does.
 */
export function toWire(
  value: EncodedValue,
  transfer: ArrayBuffer[],
  repeated?: RepeatedLeaves,
  handover: Handover = "copy",
): WireValue {
  // These are in an array of their own, whose buffer need not exist before it is sent.
  if (value instanceof SmallValue) {
    return { bytes: value.bytes, leaves: NO_LEAVES };
  }
  const bytes = wholeBuffer(value.bytes);
  if (value.leaves.length === 0) return { bytes, leaves: NO_LEAVES };
  const leaves = value.leaves.map((leaf): WireLeaf => {
    if (leaf instanceof TransferredLeaf) {
      return transferred(leaf, transfer, handover);
    }
    if (leaf instanceof InPlaceLeaf) return inPlace(leaf);
    const shared = repeated?.shared(leaf);
    if (shared !== undefined) return { shared, digest: leaf.digest };
    const bytes = leaf.read();
    transfer.push(bytes.buffer);
    const { digest, mark } = leaf;
    return digest === undefined ? { bytes, mark } : { bytes, digest };
  });
  return { bytes, leaves };
}

/** Who looks at it in another thread is told what it looks like. Throws as its `check` does. */
function inPlace({ part, path }: InPlaceLeaf): WireLeaf {
  part.check(path);
  const { bytes: view, sample, knownDigest: digest } = part;
  return { view, sample, digest, path };
}

function transferred(
  leaf: TransferredLeaf,
  transfer: ArrayBuffer[],
  handover: Handover,
): WireLeaf {
  if (handover === "lend") return { bytes: leaf.lend(), digest: leaf.digest };
  if (handover === "copy") leaf.keep();
  const bytes = leaf.read();
  transfer.push(bytes.buffer);
  return { bytes, digest: leaf.digest, moved: leaf.isGone };
}

/**
 * A value as it is sent by whoever made it for nobody else: everything large moves, nothing is copied.
 *
 * @param memory Given with arguments of a job that a Task submits: the shared memory of that Task.
 */
export function moveToWire(
  value: EncodedValue,
  transfer: ArrayBuffer[],
  memory?: TaskMemory,
): WireValue {
  const bytes = wholeBuffer(value.bytes);
  if (bytes.byteLength >= LEAF_BYTES) transfer.push(bytes.buffer);
  const { files } = value;
  if (value.leaves.length === 0) {
    return files === undefined
      ? { bytes, leaves: NO_LEAVES }
      : { bytes, leaves: NO_LEAVES, files };
  }
  const leaves = value.leaves.map((leaf) => {
    if (leaf instanceof InPlaceLeaf) return memory!.refer(leaf);
    const bytes = wholeBuffer(leaf.peek());
    transfer.push(bytes.buffer);
    const { digest } = leaf;
    return leaf instanceof TransferredLeaf
      ? { bytes, digest, moved: true }
      : { bytes, digest };
  });
  return files === undefined ? { bytes, leaves } : { bytes, leaves, files };
}

/**
 * A value as it has come; `root` is how paths in messages begin.
 *
 * @param memory As for {@linkcode moveToWire}, on the other side.
 */
export function fromWire(
  value: WireValue,
  root = "result",
  memory?: NestedMemory,
): EncodedValue {
  if (value instanceof SmallValue) return value;
  const { bytes, leaves, files } = value;
  const own = leaves.length === 0
    ? NO_LEAVES
    : leaves.map((leaf) =>
      "view" in leaf
        ? leafInPlace(leaf)
        : "memory" in leaf
        ? memory!.leafOf(leaf)
        : "shared" in leaf
        ? new SharedLeaf(leaf.shared, leaf.digest)
        : leaf.moved
        ? new TransferredLeaf(leaf.bytes, leaf.digest, root)
        : new MemoryLeaf(leaf.bytes, leaf.digest)
    );
  return files === undefined
    ? { bytes, leaves: own }
    : { bytes, leaves: own, files };
}

function leafInPlace(
  { view, sample, digest, path }: InPlaceWireLeaf,
): InPlaceLeaf {
  const { buffer, byteOffset, byteLength } = view;
  promise(view);
  const part = new SharedPart(buffer, byteOffset, byteLength, sample, digest);
  return new InPlaceLeaf(part, byteLength, path);
}

/** The leaves of a value that its sender has no more, on their way back; `undefined` if there are none. */
export function movedLeaves(
  { leaves }: WireValue,
  transfer: ArrayBuffer[],
): readonly WireLeaf[] | undefined {
  let isAny = false;
  for (const leaf of leaves) {
    if (!("moved" in leaf && leaf.moved)) continue;
    transfer.push(leaf.bytes.buffer);
    isAny = true;
  }
  return isAny ? leaves : undefined;
}

/** Gives a value back what was moved with it and has come back unused. */
export function putBack(value: EncodedValue, moved: readonly WireLeaf[]): void {
  moved.forEach((wire, i) => {
    const leaf = value.leaves[i];
    if (!("moved" in wire && wire.moved)) return;
    if (leaf instanceof TransferredLeaf) leaf.putBack(wire.bytes);
  });
}

/** The code of a function as it is sent. */
export function codeToWire(
  code: CodeReference,
  transfer: ArrayBuffer[],
): WireCode {
  return code.kind === "module"
    ? code
    : { ...code, values: toWire(code.values, transfer) };
}

/** A function as it is sent. */
export function functionToWire(
  { name, version, code }: Pick<Task, "name" | "version" | "code">,
  transfer: ArrayBuffer[],
): { name: string; version: string; code: WireCode } {
  return { name, version, code: codeToWire(code, transfer) };
}

/** The code of a function as it has come. */
export function codeFromWire(code: WireCode): CodeReference {
  return code.kind === "module"
    ? code
    : { ...code, values: fromWire(code.values) };
}

/** The same bytes in a buffer that holds nothing else: a message carries the whole buffer of a view. */
export function wholeBuffer(
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}

const NO_LEAVES: readonly never[] = [];
