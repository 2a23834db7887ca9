/**
 * A server as an upstream, whose ways of speaking are loaded when they are needed.
 *
 * @module
 */

import type { BlobReference } from "./blob_reference.ts";
import type { HttpUpstream } from "./http_upstream.ts";
import type { Upstream } from "./upstream.ts";

/** One server. */
export class ServerUpstream implements Upstream {
  readonly #url: string;
  #loading: Promise<HttpUpstream> | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  near(): undefined {
    return undefined;
  }

  async record(
    key: Uint8Array<ArrayBuffer>,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return await (await this.#upstream()).record(key, signal);
  }

  async blob(
    key: Uint8Array<ArrayBuffer>,
    reference: BlobReference,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer>> {
    return await (await this.#upstream()).blob(key, reference, signal);
  }

  async snapshot(
    digest: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    return await (await this.#upstream()).snapshot(digest, signal);
  }

  close(): void {
    this.#loading?.then((upstream) => upstream.close());
  }

  #upstream(): Promise<HttpUpstream> {
    return this.#loading ??= import("./http_upstream.ts")
      .then(({ HttpUpstream }) => new HttpUpstream(this.#url));
  }
}
