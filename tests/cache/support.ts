/** What the tests of the cache share: records to store, and a judge of what comes back. */

import { Buffer } from "node:buffer";
import { DatabaseSync } from "node:sqlite";
import { ResultLostError } from "../../lib/errors.ts";
import type { Layout } from "../../lib/cache/folder.ts";
import {
  JobCache,
  type JobCacheOptions,
  recordStoreOf,
} from "../../lib/cache/job_cache.ts";
import type {
  FunctionInfo,
  NewRecord,
  RecordStore,
  StoredRecord,
} from "../../lib/cache/record.ts";
import { loadLeases } from "../../lib/cache/lease_modules.ts";
import { BlobReference } from "../../lib/cache/blob_reference.ts";
import type { CachedRecord } from "../../lib/cache/cached_record.ts";
import { type Leaf, MemoryLeaf } from "../../lib/value/encoded.ts";
import { sha256Hex } from "../../lib/value/sha256.ts";

/** A generator of pseudo-random numbers in [0, 1) (mulberry32). */
export function seeded(seed: number): () => number {
  return () => {
    seed = seed + 0x6d2b79f5 | 0;
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}

/** Bytes that follow from a seed. */
export function randomBytes(
  length: number,
  seed: number,
): Uint8Array<ArrayBuffer> {
  const random = seeded(seed);
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

const keys = new Map<number, Uint8Array<ArrayBuffer>>();

/** The key of the nth record. */
export function keyOf(n: number): Uint8Array<ArrayBuffer> {
  let key = keys.get(n);
  if (key === undefined) keys.set(n, key = randomBytes(32, n + 1));
  return key.slice();
}

/** The function that made the nth record. */
export function functionOf(n: number): FunctionInfo {
  return {
    name: `function_${n % 3}`,
    version: "1.0.0",
    source: "ab".repeat(32),
    module: "file:///project/functions.ts",
    code: "cd".repeat(32),
    label: "",
  };
}

const records = new Map<number, NewRecord>();

/** The nth record: small ones, errors, large leaves, large documents. */
export function recordOf(n: number): NewRecord {
  let record = records.get(n);
  if (record === undefined) records.set(n, record = makeRecord(n));
  return record;
}

function makeRecord(n: number): NewRecord {
  const kind = n % 10;
  const document = randomBytes(kind === 7 ? 70_000 : 20 + n % 300, n + 1_000);
  const leaves = kind === 8
    ? [new MemoryLeaf(randomBytes(66_000, n + 2_000))]
    : [];
  const common = {
    value: { bytes: document, leaves },
    console: n % 4 === 0
      ? [{ stream: "stdout" as const, text: `line ${n}\n`, time: 1_000 + n }]
      : [],
    timing: { startedAt: 1_700_000_000_000 + n, duration: n / 8 },
  };
  return {
    key: keyOf(n),
    fn: functionOf(n),
    outcome: kind === 9 ? { status: "error", ...common } : {
      status: "finished",
      contribution: kind === 0 ? document : randomBytes(40, n + 3_000),
      ...common,
    },
    preview: `${n}, "text"`,
    parts: [
      {
        path: "args[0]",
        digest: n.toString(16).padStart(16, "0"),
        text: `${n}`,
      },
      { path: "args[1]", digest: "0123456789abcdef" },
    ],
    upstream: n === 0 ? [] : [keyOf(n - 1).toHex()],
  };
}

/** Both layouts: what holds for one holds for the other. */
export const LAYOUTS: readonly Layout[] = ["sqlite", "files"];

/** Registers a test for each layout. */
export function testBoth(
  name: string,
  fn: (layout: Layout) => void | Promise<void>,
  options: { ignore?: boolean } = {},
): void {
  for (const layout of LAYOUTS) {
    Deno.test({
      name: `${name} (${layout})`,
      fn: () => fn(layout),
      ...options,
    });
  }
}

// As the scheduler does before the first claim.
await loadLeases();

/** Opens the store of a folder, to be closed by `using`. */
export function openStore(
  path: string,
  options: JobCacheOptions = {},
): RecordStore & Disposable {
  const store = recordStoreOf(new JobCache({ path, ...options }));
  return Object.assign(store, { [Symbol.dispose]: () => store.close() });
}

/** A folder for one test. */
export async function makeFolder(): Promise<
  { path: string } & AsyncDisposable
> {
  const path = await Deno.makeTempDir({ prefix: "hither_cache_" });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** Keeps what is printed on stderr while it is in use. */
export function captureWarnings(): { lines: string[] } & Disposable {
  const { error } = console;
  const lines: string[] = [];
  console.error = (...args: unknown[]) => void lines.push(args.join(" "));
  return { lines, [Symbol.dispose]: () => void (console.error = error) };
}

/** What a lookup came to. */
export type Verdict =
  | "hit"
  | "hit without details"
  | "miss"
  | "lost"
  | `wrong: ${string}`;

/**
 * Looks the nth record up and compares all of it with what was stored.
 *
 * @param follow Whether blobs are read; if not, what refers to them is compared.
 */
export function judge(store: RecordStore, n: number, follow = true): Verdict {
  const found = store.lookup(keyOf(n));
  if (found === undefined) return "miss";
  try {
    return compare(found, recordOf(n), follow);
  } catch (error) {
    if (error instanceof ResultLostError) return "lost";
    throw error;
  }
}

/** What is compared as text, which is made once for each record that was stored. */
const texts = new WeakMap<object, string>();

function textOf(part: object): string {
  let text = texts.get(part);
  if (text === undefined) texts.set(part, text = JSON.stringify(part));
  return text;
}

function compare(
  found: StoredRecord,
  right: NewRecord,
  follow: boolean,
): Verdict {
  const [a, b] = [found.outcome, right.outcome];
  if (a.status !== b.status) return "wrong: status";
  if (JSON.stringify(found.fn) !== textOf(right.fn)) {
    return "wrong: function";
  }
  if (a.status === "finished" && b.status === "finished") {
    if (!same(a.contribution!, b.contribution!)) return "wrong: contribution";
  }
  const reference = (found as CachedRecord).body.document;
  const isDocument = follow || !(reference instanceof BlobReference)
    ? same(a.value.bytes, b.value.bytes)
    : refersTo(reference, new MemoryLeaf(b.value.bytes));
  if (!isDocument) return "wrong: document";
  if (a.value.leaves.length !== b.value.leaves.length) return "wrong: leaves";
  for (const [i, leaf] of a.value.leaves.entries()) {
    const other = b.value.leaves[i]!;
    const isLeaf = follow
      ? same(leaf.read(), other.read())
      : refersTo((found as CachedRecord).body.leaves[i]!, other);
    if (!isLeaf) return "wrong: leaf";
  }
  const details = found.details();
  if (details === undefined) return "hit without details";
  for (const part of ["preview", "parts", "upstream"] as const) {
    if (JSON.stringify(details[part]) !== JSON.stringify(right[part])) {
      return `wrong: ${part}`;
    }
  }
  for (const part of ["console", "timing"] as const) {
    if (JSON.stringify(a[part]) !== textOf(b[part])) {
      return `wrong: ${part}`;
    }
  }
  return "hit";
}

const digests = new WeakMap<Uint8Array, string>();

function refersTo(reference: BlobReference, leaf: Leaf): boolean {
  const bytes = leaf.peek();
  let digest = digests.get(bytes);
  if (digest === undefined) digests.set(bytes, digest = sha256Hex(bytes));
  return reference.sha256 === digest && reference.byteLength === bytes.length;
}

/** Whether two byte strings are equal. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** The files of a folder and below, as paths relative to it. */
export function filesOf(folder: string, prefix = ""): string[] {
  return Array.from(Deno.readDirSync(folder)).flatMap(({ name, isDirectory }) =>
    isDirectory
      ? filesOf(`${folder}/${name}`, `${prefix}${name}/`)
      : [prefix + name]
  ).sort();
}

/** Damages the only blob of a folder, whose length stays; where it is. */
export function damageBlob(folder: string): string {
  const [name] = filesOf(`${folder}/blobs`);
  const path = `${folder}/blobs/${name}`;
  const bytes = Deno.readFileSync(path);
  bytes[40_000]! ^= 1;
  Deno.writeFileSync(path, bytes);
  return path;
}

/** Bytes that count for maxSize: of the pages in use, or of the files of records and code, and of blobs. */
export function bytesIn(path: string, layout: Layout): number {
  const sizes = (folder: string) =>
    (isThere(folder) ? filesOf(folder) : []).reduce(
      (sum, name) => sum + Deno.statSync(`${folder}/${name}`).size,
      0,
    );
  if (layout === "files") {
    return ["jobs", "blobs", "snapshots"]
      .reduce((sum, folder) => sum + sizes(`${path}/${folder}`), 0);
  }
  using db = new DatabaseSync(`${path}/cache.sqlite`, { readOnly: true });
  const pragma = (name: string) =>
    Number(db.prepare(`PRAGMA ${name}`).get()![name]);
  return (pragma("page_count") - pragma("freelist_count")) * 4_096 +
    sizes(`${path}/blobs`);
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
