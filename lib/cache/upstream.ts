/**
 * Where a cache reads through: other folders and servers, which are never written.
 *
 * @module
 */

import { resolve } from "../value/paths.ts";
import { givenPath } from "../value/given_path.ts";
import type { BlobReference } from "./blob_reference.ts";
import { trustedKeys } from "./public_key.ts";
import type { Depot, RecordStore } from "./record.ts";

/**
 * An upstream and whom to trust there.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const { publicKey } = await hi.generateSigningKey();
 * const upstream: hi.UpstreamOptions = {
 *   url: "https://cache.example.com/weather",
 *   trust: [publicKey],
 * };
 * const jobCache = new hi.JobCache({
 *   path: await Deno.makeTempDir(),
 *   upstream: [upstream],
 * });
 * console.assert(jobCache.stats().records === 0);
 * ```
 */
export interface UpstreamOptions {
  /** A folder, in either layout; or say `url`. */
  readonly path?: string | URL | undefined;
  /** A server that has the portable layout as plain files under this URL; or say `path`. */
  readonly url?: string | URL | undefined;
  /**
   * The public keys, as `ed25519:BASE64...`, of which one must have signed a record for it
   * to be used. By default every record is used that is whole.
   */
  readonly trust?: readonly string[] | undefined;
}

/** An upstream of a cache, checked. */
export interface CheckedUpstream {
  /** The folder, or the URL without a slash at its end. */
  readonly place: string;
  readonly kind: "folder" | "server";
  /** Public keys as hexadecimal digits; `undefined` if everybody is trusted. */
  readonly trust: ReadonlySet<string> | undefined;
}

/** What a folder gives in the same turn. */
export type NearStore = Depot & Pick<RecordStore, "snapshot" | "prepare">;

/** One place where a cache reads through. Nothing that it gives is trusted. */
export interface Upstream {
  /** The store of a folder; `undefined` where there is none, and for a server. */
  near(): NearStore | undefined;
  /** The file of a record; `undefined` if there is none, or the place cannot be reached. */
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
    return { ...placeOf(given, cannot, false), trust: undefined };
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
  return {
    ...placeOf(path ?? url, cannot, path === undefined),
    trust: trust === undefined ? undefined : trustedKeys(trust, cannot),
  };
}

function placeOf(
  given: unknown,
  cannot: string,
  isServer: boolean,
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
    if (url.username !== "" || url.password !== "") {
      throw new TypeError(
        `${cannot} as the URL of an upstream must have no user name and no password, which would be in every warning: it must be readable without`,
      );
    }
    return { place: url.href.replace(/\/+$/, ""), kind: "server" };
  }
  if (isServer) {
    throw new TypeError(
      `${cannot} as the url of an upstream must begin with "http:" or "https:", use path for a folder: current value is ${
        String(text)
      }`,
    );
  }
  const path = resolve(
    givenPath(given, cannot, "name a folder, or a server by http: or https:"),
  );
  return { place: path, kind: "folder" };
}
