/**
 * One file of a server: bounded in time and length, and without a prompt.
 *
 * @module
 */

import { BadArrival, NoAnswer } from "./arrival.ts";

/** The longest time that a timer takes, in ms. */
const MAX_TIMER = 2 ** 31 - 1;

/** Bytes that must have come in each time in which a server may send nothing. */
const LEAST_BYTES = 100_000;

/** Redirections that are followed. */
const MAX_HOPS = 5;

/** What a server says that has no such file; a bucket that may not be listed says 403. */
const ABSENT = [403, 404, 410];

/**
 * The content of a file; `undefined` if there is none.
 *
 * @param most The most bytes that it may have.
 * @param limitMs How long the server may send nothing.
 * @throws {BadArrival} if it is longer.
 * @throws {NoAnswer} or what `fetch` throws if there is no answer.
 */
export async function fetchFile(
  url: string,
  most: number,
  limitMs: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  using limit = new Limit(limitMs, most);
  const either = AbortSignal.any([signal, limit.signal]);
  const response = await follow(url, either);
  if (response.status === 200) return await bodyOf(response, most, limit);
  await response.body?.cancel();
  if (ABSENT.includes(response.status)) return undefined;
  throw new NoAnswer(`it answers ${response.status} to ${url}`);
}

/** The answer behind all redirections. Each place needs a permission of its own. */
async function follow(url: string, signal: AbortSignal): Promise<Response> {
  let target = new URL(url);
  for (let hop = 0; hop <= MAX_HOPS; hop++) {
    requirePermission(target);
    const response = await fetch(target, { signal, redirect: "manual" });
    const location = response.headers.get("location");
    if (![301, 302, 303, 307, 308].includes(response.status)) return response;
    await response.body?.cancel();
    if (location === null || !URL.canParse(location, target)) {
      throw new NoAnswer(`it redirects ${target} to nowhere`);
    }
    const next = new URL(location, target);
    const isSafe = next.protocol === "https:" ||
      (next.protocol === "http:" && target.protocol === "http:");
    if (!isSafe) {
      throw new NoAnswer(
        `it redirects ${target} to ${next}, which is not safe`,
      );
    }
    target = next;
  }
  throw new NoAnswer(`it redirects ${url} more than ${MAX_HOPS} times`);
}

/** Asked, so that nothing is prompted for. */
function requirePermission({ hostname, port, protocol }: URL): void {
  const host = `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
  const { state } = Deno.permissions.querySync({ name: "net", host });
  if (state === "granted") return;
  throw new NoAnswer(
    `network access is not granted: add --allow-net=${host}`,
    true,
  );
}

/** Ends what takes too long: nothing comes for a while, or too little in all. */
class Limit implements Disposable {
  readonly #controller = new AbortController();
  readonly #ms: number;
  readonly #whole: ReturnType<typeof setTimeout>;
  #silence: ReturnType<typeof setTimeout>;

  constructor(ms: number, bytes: number) {
    this.#ms = ms;
    const whole = Math.min(ms * (2 + bytes / LEAST_BYTES), MAX_TIMER);
    this.#whole = setTimeout(() => this.#end("less than it must"), whole);
    this.#silence = this.#wait();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something came. */
  renew(): void {
    clearTimeout(this.#silence);
    this.#silence = this.#wait();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#silence);
    clearTimeout(this.#whole);
  }

  #wait(): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#end("nothing"), this.#ms);
  }

  #end(what: string): void {
    this.#controller.abort(
      new NoAnswer(`it sends ${what} within ${this.#ms / 1_000} s`),
    );
  }
}

/** The body of an answer, which must not be longer than it may be. */
async function bodyOf(
  response: Response,
  most: number,
  limit: Limit,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    limit.renew();
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
