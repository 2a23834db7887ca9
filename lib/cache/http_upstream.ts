/**
 * A server with the portable layout as plain files, as an upstream.
 *
 * @module
 */

import pLimit from "npm:p-limit@^7";
import { warnOnce } from "../warn.ts";
import { BadArrival } from "./arrival.ts";
import type { BlobReference } from "./blob_reference.ts";
import { causeOf } from "./failure.ts";
import { decodeSnapshot } from "./portable_snapshots.ts";
import type { Upstream } from "./upstream.ts";

/** How long an answer may take, in ms; for a blob this long for each `BYTES_PER_LIMIT` of it. */
const LIMIT_MS = 10_000;
const BYTES_PER_LIMIT = 10_000_000;

/** Requests at a time. */
const AT_ONCE = 16;

/** A record is no longer than this; its large parts are blobs. */
const RECORD_BYTES = 67_108_864;

/** Failures in a row after which a server is left alone. */
const MAX_FAILURES = 3;

/** What a server says that has no such file; some say 403 for that. */
const ABSENT = [403, 404, 410];

/** A server that does not answer as it must. */
class NoAnswer extends Error {}

/** One server. */
export class HttpUpstream implements Upstream {
  readonly #base: string;
  readonly #limitMs: number;
  readonly #limit = pLimit(AT_ONCE);
  /** Paths of files that are not there. */
  readonly #absent = new Set<string>();
  #failures = 0;
  #allowed: boolean | undefined;

  constructor(base: string, limitMs = LIMIT_MS) {
    this.#base = base;
    this.#limitMs = limitMs;
  }

  record(
    key: Uint8Array<ArrayBuffer>,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#get("jobs", key.toHex(), RECORD_BYTES, signal);
  }

  async blob(
    _key: Uint8Array<ArrayBuffer>,
    { sha256, byteLength }: BlobReference,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.#get("blobs", sha256, byteLength, signal);
    if (bytes === undefined) throw new BadArrival(`no blob ${sha256}`);
    return bytes;
  }

  async snapshot(
    digest: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const file = await this.#get("snapshots", digest, RECORD_BYTES, signal);
    return file && decodeSnapshot(digest, file);
  }

  close(): void {
    this.#failures = 0;
    this.#absent.clear();
  }

  /** A file by the digest that names it; `undefined` if it is not there, or the server does not answer. */
  #get(
    folder: string,
    digest: string,
    most: number,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const path = `${folder}/${digest.slice(0, 2)}/${digest.slice(2)}`;
    return this.#limit(async () => {
      if (this.#isLeftOut || this.#absent.has(path)) return undefined;
      for (let attempt = 1;; attempt++) {
        try {
          const bytes = await this.#request(path, most, signal);
          this.#failures = 0;
          if (bytes === undefined) this.#absent.add(path);
          return bytes;
        } catch (error) {
          signal.throwIfAborted();
          if (error instanceof BadArrival) throw error;
          if (attempt === 1) continue;
          this.#fail(error);
          return undefined;
        }
      }
    });
  }

  get #isLeftOut(): boolean {
    return this.#failures >= MAX_FAILURES || !this.#mayConnect();
  }

  #fail(error: unknown): void {
    this.#failures++;
    warnOnce(
      `${this.#base} answer`,
      `the upstream cache ${this.#base} does not answer (${
        causeOf(error)
      }), so its records are not used; after ${MAX_FAILURES} failures in a row it is left alone`,
    );
  }

  /** Asked, so that nothing is prompted for. */
  #mayConnect(): boolean {
    if (this.#allowed !== undefined) return this.#allowed;
    const { host } = new URL(this.#base);
    const { state } = Deno.permissions.querySync({ name: "net", host });
    this.#allowed = state === "granted";
    if (!this.#allowed) {
      warnOnce(
        `${this.#base} permission`,
        `the upstream cache ${this.#base} is not used as network access is not granted: add --allow-net=${host}`,
      );
    }
    return this.#allowed;
  }

  async #request(
    path: string,
    most: number,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const limitMs = this.#limitMs * Math.ceil((most + 1) / BYTES_PER_LIMIT);
    using timer = limitOf(path.startsWith("blobs") ? limitMs : this.#limitMs);
    const response = await fetch(`${this.#base}/${path}`, {
      signal: AbortSignal.any([signal, timer.signal]),
    });
    if (response.status === 200) return await bodyOf(response, most);
    await response.body?.cancel();
    if (ABSENT.includes(response.status)) return undefined;
    throw new NoAnswer(`it answers ${response.status}`);
  }
}

/** A signal that is aborted after a time, and a timer that is cleared. */
function limitOf(ms: number): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new NoAnswer(`nothing within ${ms / 1_000} s`)),
    ms,
  );
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

/** The body of an answer, which must not be longer than it may be. */
async function bodyOf(
  response: Response,
  most: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    length += piece.length;
    if (length > most) throw new BadArrival(`more than ${most} bytes`);
    pieces.push(piece);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
