/**
 * Where a cache reads through: other folders and servers, which are never written.
 *
 * @module
 */

import { resolve } from "jsr:@std/path@^1/resolve";
import { givenPath } from "../value/given_path.ts";
import type { BlobReference } from "./blob_reference.ts";

/** An upstream and whom to trust there. */
export interface UpstreamOptions {
  /** A folder, in either layout; or say `url`. */
  readonly path?: string | URL | undefined;
  /** A server that has the portable layout as plain files under this URL; or say `path`. */
  readonly url?: string | URL | undefined;
  /**
   * The public keys, as `ed25519:BASE64…`, of which one must have signed a record for it
   * to be used. By default every record is used that is whole.
   */
  readonly trust?: readonly string[] | undefined;
}

/** The upstreams of a cache, checked. */
export interface CheckedUpstream {
  /** The folder, or the URL without a slash at its end. */
  readonly place: string;
  readonly kind: "folder" | "server";
  /** `undefined` if everybody is trusted. */
  readonly trust: readonly string[] | undefined;
}

/** One place where a cache reads through. Nothing that it gives is trusted. */
export interface Upstream {
  /** The file of a record; `undefined` if there is none. */
  record(
    key: Uint8Array<ArrayBuffer>,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** The bytes of a blob. Throws if they cannot be had. */
  blob(
    key: Uint8Array<ArrayBuffer>,
    reference: BlobReference,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer>>;
  /** The text of a snapshot; `undefined` if it cannot be had. */
  snapshot(digest: string, signal: AbortSignal): Promise<string | undefined>;
  /** Lets go of files. */
  close(): void;
}

/** Checks the option `upstream`. */
export function checkUpstreams(
  given: unknown,
  cannot: string,
): readonly CheckedUpstream[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) {
    throw new TypeError(
      `${cannot} as upstream must be a list of folders and URLs: current value is ${
        String(given)
      }`,
    );
  }
  return given.map((each) => checkUpstream(each, cannot));
}

function checkUpstream(given: unknown, cannot: string): CheckedUpstream {
  if (typeof given === "string" || given instanceof URL) {
    return { ...placeOf(given, cannot), trust: undefined };
  }
  if (typeof given !== "object" || given === null) {
    throw new TypeError(
      `${cannot} as an upstream must be a folder, a URL or an object: current value is ${
        String(given)
      }`,
    );
  }
  const { path, url, trust, ...others } = given as Record<string, unknown>;
  for (const name of Object.keys(others)) {
    throw new TypeError(
      `${cannot} as an upstream has no option ${name}: its options are path, url and trust`,
    );
  }
  if ((path === undefined) === (url === undefined)) {
    throw new TypeError(
      `${cannot} as an upstream must have either a path or a url: current values are ${
        String(path)
      } and ${String(url)}`,
    );
  }
  if (trust !== undefined && (!Array.isArray(trust) || trust.length === 0)) {
    throw new TypeError(
      `${cannot} as trust must be a list of public keys: current value is ${
        String(trust)
      }`,
    );
  }
  return { ...placeOf(path ?? url, cannot), trust };
}

function placeOf(
  given: unknown,
  cannot: string,
): Pick<CheckedUpstream, "place" | "kind"> {
  const text = given instanceof URL ? given.href : given;
  if (typeof text === "string" && /^https?:\/\//i.test(text)) {
    if (!URL.canParse(text)) {
      throw new TypeError(
        `${cannot} as an upstream must be a URL: current value is ${text}`,
      );
    }
    const url = new URL(text);
    if (url.search !== "" || url.hash !== "") {
      throw new TypeError(
        `${cannot} as the URL of an upstream must have no query and no fragment: current value is ${text}`,
      );
    }
    return { place: url.href.replace(/\/+$/, ""), kind: "server" };
  }
  const path = resolve(
    givenPath(given, cannot, "name a folder, or a server by http: or https:"),
  );
  return { place: path, kind: "folder" };
}
