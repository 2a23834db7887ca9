/**
 * The key of a job with large arguments that nobody has computed before.
 *
 * @module
 */

import { ArgumentChangedError } from "../errors.ts";
import { jobKey } from "../value/contribution.ts";
import { decodeValue } from "../value/decode.ts";
import type { LeafDigests } from "../value/encoded.ts";
import { markOf } from "../value/lent_leaf.ts";
import type { RunMessage } from "./protocol.ts";
import { fromWire } from "./wire.ts";

/**
 * The key, 64 hexadecimal digits.
 *
 * @throws {ArgumentChangedError} if the function has written to its arguments, or they were transferred.
 */
export function lateKey({ name, version, list }: RunMessage): string {
  for (const leaf of list.leaves) {
    if (!("bytes" in leaf)) continue;
    if (leaf.mark === undefined && leaf.digest === undefined) {
      throw new ArgumentChangedError(
        `Cannot tell the key of ${name} ${version} as nobody hashes what hi.transfer moves: use a job cache, or leave hi.transfer out`,
      );
    }
    if (leaf.mark === undefined || markOf(leaf.bytes) === leaf.mark) continue;
    throw new ArgumentChangedError(
      `Cannot tell the key of ${name} ${version} as it has written to an argument of it: ask for hi.current().key first, or use a job cache`,
    );
  }
  const digests: LeafDigests = new Map();
  const options = { lend: true, root: "args", digests };
  const args = decodeValue(fromWire(list), options) as unknown[];
  return jobKey(name, version, args, { root: "args", digests }).toHex();
}
