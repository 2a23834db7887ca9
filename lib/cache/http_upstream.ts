/**
 * A server with the portable layout as plain files, as an upstream.
 *
 * @module
 */

import pLimit from "npm:p-limit@^7";
import { warnOnce } from "../warn.ts";
import { BadArrival, NoAnswer } from "./arrival.ts";
import type { BlobReference } from "./blob_reference.ts";
import { causeOf } from "./failure.ts";
import { fetchFile } from "./http_file.ts";
import { MARKER } from "./portable_folder.ts";
import { decodeSnapshot } from "./portable_snapshots.ts";
import { isSealed } from "./sealed.ts";
import type { Upstream } from "./upstream.ts";

/** How long a server may send nothing, in ms. */
const LIMIT_MS = 10_000;

/** Requests at a time. */
const AT_ONCE = 16;

/** A record is no longer than this; its large parts are blobs. */
const RECORD_BYTES = 67_108_864;

/** Failures in a row after which a server is left alone. */
const MAX_FAILURES = 3;

/** Paths that are remembered because nothing is there. */
const MAX_ABSENT = 100_000;

/** One server. */
export class HttpUpstream implements Upstream {
  readonly #base: string;
  readonly #limitMs: number;
  readonly #limit = pLimit(AT_ONCE);
  /** Paths of files that are not there. */
  readonly #absent = new Set<string>();
  #failures = 0;
  /** Those of blobs, which records that come in between do not make good. */
  #blobFailures = 0;
  /** Whether it is a cache at all: asked when the first file is not there. */
  #marked: Promise<boolean> | undefined;

  constructor(base: string, limitMs = LIMIT_MS) {
    this.#base = base;
    this.#limitMs = limitMs;
  }

  near(): undefined {
    return undefined;
  }

  async record(
    key: Uint8Array<ArrayBuffer>,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const path = pathOf("jobs", key.toHex());
    return await this.#whereReachable(this.#record(path, signal));
  }

  /** A record, or what a server sends in its place that has a page for every path. */
  async #record(
    path: string,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const bytes = await this.#get(path, RECORD_BYTES, signal);
    if (bytes === undefined || isSealed(bytes)) return bytes;
    return await this.#isCache(signal) ? bytes : undefined;
  }

  async blob(
    _key: Uint8Array<ArrayBuffer>,
    { sha256, byteLength }: BlobReference,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const path = pathOf("blobs", sha256);
    const bytes = await this.#get(path, byteLength, signal);
    if (bytes === undefined) throw new BadArrival(`no blob ${sha256}`);
    return bytes;
  }

  async snapshot(
    digest: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const file = await this.#whereReachable(
      this.#get(pathOf("snapshots", digest), RECORD_BYTES, signal),
    );
    return file && decodeSnapshot(digest, file);
  }

  close(): void {
    this.#failures = 0;
    this.#blobFailures = 0;
    this.#marked = undefined;
    this.#absent.clear();
  }

  /** A server that cannot be reached has nothing. */
  async #whereReachable<T>(got: Promise<T>): Promise<T | undefined> {
    try {
      return await got;
    } catch (error) {
      if (error instanceof NoAnswer) return undefined;
      throw error;
    }
  }

  /**
   * A file; `undefined` if it is not there.
   *
   * @throws {NoAnswer} if the server does not answer, which has been said.
   */
  async #get(
    path: string,
    most: number,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#absent.has(path)) return undefined;
    const bytes = await this.#limit(() => this.#attempt(path, most, signal));
    if (bytes !== undefined) return bytes;
    if (!await this.#isCache(signal)) throw new NoAnswer("no cache");
    if (this.#absent.size >= MAX_ABSENT) this.#absent.clear();
    this.#absent.add(path);
    return undefined;
  }

  async #attempt(
    path: string,
    most: number,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const isBlob = path.startsWith("blobs/");
    for (let attempt = 1;; attempt++) {
      signal.throwIfAborted();
      if (Math.max(this.#failures, this.#blobFailures) >= MAX_FAILURES) {
        throw new NoAnswer("left alone");
      }
      try {
        const url = `${this.#base}/${path}`;
        const bytes = await fetchFile(url, most, this.#limitMs, signal);
        this.#failures = 0;
        if (isBlob) this.#blobFailures = 0;
        return bytes;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof BadArrival) throw error;
        const kind = error instanceof NoAnswer ? error.kind : "passing";
        if (attempt === 1 && kind === "passing") continue;
        if (isBlob) this.#blobFailures++;
        this.#fail(error, kind === "final");
        throw new NoAnswer(reasonOf(error));
      }
    }
  }

  #fail(error: unknown, isFinal: boolean): void {
    this.#failures = isFinal ? MAX_FAILURES : this.#failures + 1;
    const until = isFinal
      ? ""
      : `; after ${MAX_FAILURES} failures in a row it is left alone`;
    warnOnce(
      `${this.#base} answer`,
      `the upstream cache ${this.#base} is not used: ${
        reasonOf(error)
      }${until}`,
    );
  }

  /** Where nothing is, the marker of a cache tells a miss from a wrong URL. */
  async #isCache(signal: AbortSignal): Promise<boolean> {
    const asked = this.#marked ??= this.#hasMarker(signal);
    try {
      return await asked;
    } catch (error) {
      // Whoever asks next asks anew.
      if (this.#marked === asked) this.#marked = undefined;
      signal.throwIfAborted();
      if (error instanceof NoAnswer) throw error;
      return await this.#isCache(signal);
    }
  }

  async #hasMarker(signal: AbortSignal): Promise<boolean> {
    const bytes = await this.#limit(() =>
      this.#attempt("layout", MARKER.length, signal)
    ).catch((error) => {
      if (error instanceof BadArrival) return undefined;
      throw error;
    });
    const isThere = bytes !== undefined &&
      new TextDecoder().decode(bytes) === MARKER;
    if (!isThere) {
      this.#fail(
        new NoAnswer(
          "it answers, but there is no cache: it has no file layout as hither cache export writes it",
        ),
        true,
      );
    }
    return isThere;
  }
}

/** An error with its causes: `fetch failed` alone tells nothing. */
function reasonOf(error: unknown): string {
  const causes = [causeOf(error)];
  for (let at = error; at instanceof Error && causes.length < 4;) {
    at = at.cause;
    if (at === undefined) break;
    const cause = causeOf(at);
    if (!causes.at(-1)!.includes(cause)) causes.push(cause);
  }
  return causes.join(": ");
}

function pathOf(folder: string, digest: string): string {
  return `${folder}/${digest.slice(0, 2)}/${digest.slice(2)}`;
}
