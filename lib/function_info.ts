/**
 * What the cache knows a function by: its name and version, its source text, and
 * the snapshot of its code.
 *
 * @module
 */

import { HITHER_VERSION } from "./cache/host.ts";
import type { FunctionInfo, KeyPart, RecordStore } from "./cache/record.ts";
import {
  findCode,
  type KnownCode,
  loadedAnew,
  type UnknownCode,
} from "./code/known_code.ts";
import defer * as snapshots from "./code/snapshot.ts";
import { CodeUnknownError } from "./errors.ts";
import type { JobState } from "./job_state.ts";
import type { FunctionDefinition } from "./registry.ts";
import type { CodeReference } from "./task.ts";
import { isWorker } from "./role.ts";
import { storeOf } from "./store_of.ts";
import { contributionOf } from "./value/contribution.ts";
import { decodeValue } from "./value/decode.ts";
import { namedParts } from "./value/parts.ts";
import { sha256 } from "./value/sha256.ts";
import { warnOnce } from "./warn.ts";

/** What the cache keeps of a function, and the version as it enters keys. */
export interface KeyedFunctionInfo extends FunctionInfo {
  /** The version; behind it the digest of the values that a function without a module was given, and with `code: "auto"` that of its code. */
  readonly keyVersion: string;
}

/** What is known of a function, each part once it is needed. */
interface Known {
  /** Without its code. */
  readonly plain: KeyedFunctionInfo;
  /** What its code is, by the flags that it was looked for with. */
  code?: { readonly denoArgs: readonly string[]; readonly found: Code };
  /** With its code; the same object for the same code. */
  coded?: KeyedFunctionInfo;
  /** With its code in the key. */
  keyed?: KeyedFunctionInfo;
  /** What the values that it was given contribute to keys. */
  valueParts?: readonly KeyPart[];
  /** Of a record that was made by this very code, as far as can be told. */
  agreed?: FunctionInfo;
}

type Code = KnownCode | UnknownCode;

const known = new WeakMap<FunctionDefinition, Known>();

/** What is known of the code that a handler was told to run. */
const coded = new WeakMap<CodeReference, [FunctionDefinition, Known]>();

function knownOf(definition: FunctionDefinition): Known {
  let entry = known.get(definition);
  if (entry === undefined) {
    known.set(definition, entry = { plain: describe(definition) });
  }
  return entry;
}

/**
 * What enters the key of a job.
 *
 * @throws {CodeUnknownError} if the code enters it and is not known.
 */
export function functionInfoOf(state: JobState): KeyedFunctionInfo {
  const entry = knownOf(state.definition);
  if (state.options.code !== "auto") return entry.plain;
  const code = codeOf(state);
  if (code === undefined) return entry.plain;
  requireWhole(state, code);
  if (entry.keyed?.code !== code.digest) {
    entry.keyed = {
      ...entry.plain,
      code: code.digest,
      keyVersion: `${entry.plain.keyVersion}\0code ${code.digest}`,
    };
  }
  return entry.keyed;
}

/** Looks for the code of a job that is run, where somebody asks for it: it may be another one when it has ended. */
export function lookAtCode(state: JobState): void {
  codeOf(state);
}

/** A worker has loaded code: if that is not what the program has, nobody can tell from now on what makes a result. */
export function noteLoaded(code: CodeReference): void {
  const [definition, entry] = coded.get(code) ?? [];
  const found = entry?.code?.found;
  if (!found?.isKnown) return;
  const changed = loadedAnew(found);
  if (changed === undefined) return;
  entry!.code = { ...entry!.code!, found: changed };
  warnIfNotWhole(definition!, changed);
}

/** What a record keeps of a function; `undefined` if its code has changed under the program: there is to be no record. */
export function recordedCodeOf(
  state: JobState,
): { fn: FunctionInfo; snapshot: string | undefined } | undefined {
  const entry = knownOf(state.definition);
  const code = codeOf(state);
  if (code?.isKnown === false && code.isStale) return undefined;
  if (!code?.isKnown) return { fn: entry.plain, snapshot: undefined };
  if (entry.coded?.code !== code.digest) {
    entry.coded = { ...entry.plain, code: code.digest };
  }
  return { fn: entry.coded, snapshot: code.snapshot };
}

/** The code of a job's function; `undefined` where nobody asks for it. Looked for once. */
function codeOf(state: JobState): Code | undefined {
  const { definition, options: { code: mode, denoArgs, jobCache } } = state;
  if (mode === "version" || isWorker()) return undefined;
  const store = storeOf(state);
  if (store === undefined) return undefined;
  const entry = knownOf(definition);
  if (entry.code?.denoArgs !== denoArgs) {
    const { code } = definition;
    const isModule = code.kind === "module";
    const found = findCode({
      root: isModule ? code.url : undefined,
      source: isModule ? undefined : code.source,
      imports: isModule ? [] : Object.values(code.imports).sort(),
      denoArgs,
      hither: HITHER_VERSION,
      loadedAt: isModule ? definition.definedAt : Infinity,
    }, {
      folder: `${jobCache!.path}/code`,
      isWritable: !store.isReadonly,
    });
    const isWhole = found.isKnown && found.missing.length === 0;
    if (mode === "warn" && !isWhole) warnIfNotWhole(definition, found);
    entry.code = { denoArgs, found };
    coded.set(code, [definition, entry]);
  }
  return entry.code.found;
}

function requireWhole(
  { definition: { name, version } }: JobState,
  code: Code,
): asserts code is KnownCode {
  const what =
    `Cannot run ${name} ${version} with code: "auto" as its code must be known`;
  if (!code.isKnown) {
    throw new CodeUnknownError(
      `${what}: ${code.why}, or set code to "warn" or "version"`,
    );
  }
  if (code.missing.length > 0) {
    throw new CodeUnknownError(
      `${what}, and this is not found: ${
        snapshots.listed(code.missing)
      }. Correct the import, give denoArgs if the program was started with flags that say where it is, or set code to "warn" or "version"`,
    );
  }
}

function warnIfNotWhole(
  { name, version }: FunctionDefinition,
  code: Code,
): void {
  if (!code.isKnown) {
    if (!code.isCurable) return;
    if (code.isStale) {
      warnOnce(
        `code ${code.why}`,
        `the results of ${name} ${version} are not kept: ${code.why}`,
      );
      return;
    }
    warnOnce(
      `code ${code.why}`,
      `changes of what ${name} ${version} imports are not noticed, only those of its own text: ${code.why}, or set code to "version"`,
    );
  } else if (code.missing.length > 0) {
    warnOnce(
      `code ${code.missing.join()}`,
      `${name} ${version} imports what is not found, so changes of that are not noticed: ${
        snapshots.listed(code.missing)
      }. Correct the import, or give denoArgs if the program was started with flags that say where it is`,
    );
  }
}

function describe(definition: FunctionDefinition): KeyedFunctionInfo {
  const { name, version, fn, code, label } = definition;
  const source = definition.source ?? sourceDigest(fn);
  const module = code.kind === "module" ? code.url : "";
  const plain = { name, version, source, module, code: "", label };
  if (code.kind === "module") return { ...plain, keyVersion: version };
  const values = contributionOf([decodeValue(code.values), code.imports]);
  const keyVersion =
    hasNames(code.imports) || hasNames(decodeValue(code.values))
      ? `${version}\0${sha256(values).toHex()}`
      : version;
  return { ...plain, keyVersion };
}

/** SHA-256 of a function's text, 64 hexadecimal digits. */
export function sourceDigest(fn: (...args: never[]) => unknown): string {
  return sha256(new TextEncoder().encode(fn.toString())).toHex();
}

/** What the values that a function without a module was given contribute to keys. */
export function valuePartsOf(
  definition: FunctionDefinition,
): readonly KeyPart[] {
  const { code } = definition;
  if (code.kind === "module") return [];
  return knownOf(definition).valueParts ??= namedParts(
    decodeValue(code.values) as Record<string, unknown>,
    "values",
  );
}

function hasNames(names: unknown): boolean {
  return Object.keys(names as object).length > 0;
}

/** Warns, once for a function, if a record was made by other code. */
export function warnIfCodeDiffers(
  state: JobState,
  stored: FunctionInfo,
  store: RecordStore,
): void {
  const entry = knownOf(state.definition);
  if (entry.agreed === stored || state.options.code === "version") return;
  entry.agreed = stored;
  const code = codeOf(state);
  const isSame = code?.isKnown && stored.code === code.digest &&
    stored.source === entry.plain.source;
  if (!isSame) warnOfChanges(state, stored, store, entry);
}

function warnOfChanges(
  state: JobState,
  stored: FunctionInfo,
  store: RecordStore,
  entry: Known,
): void {
  // Another hither is no reason to doubt a result.
  const changes = codeChanges(state, stored, store).filter((change) =>
    !change.startsWith(snapshots.HITHER)
  );
  if (changes.length === 0) return;
  const { name, version, place } = state.definition;
  const isOwn = stored.source !== entry.plain.source &&
    changes.some((change) => change === ownChange(state.definition));
  const what = isOwn || changes[0] === OWN_TEXT
    ? `other source text than ${place} has now`
    : `other code: ${snapshots.listed(changes)}`;
  warnOnce(
    `code ${name} ${version}`,
    `the results of ${name} ${version} in the cache were made by ${what}: ` +
      `raise the version if the results differ, set code to "auto", or run once with { forceRun: true }`,
  );
}

/** What is said to have changed where only the function itself can be compared. */
const OWN_TEXT = "its own text changed";

/** What is said to have changed where the function itself did, and perhaps what is beside it. */
function ownChange({ code }: FunctionDefinition): string {
  if (code.kind === "source") return OWN_TEXT;
  const name = new URL(code.url).pathname.split("/").at(-1)!;
  return `./${decodeURIComponent(name)} changed`;
}

/** What differs between the code that made a record and that of now, in words. */
export function codeChanges(
  state: JobState,
  stored: FunctionInfo,
  store: RecordStore,
): string[] {
  if (state.options.code === "version") return [];
  const { source } = knownOf(state.definition).plain;
  const own = stored.source === source ? [] : [OWN_TEXT];
  const code = codeOf(state);
  if (!code?.isKnown || stored.code === "") return own;
  if (stored.code === code.digest) return [];
  const before = snapshots.modulesOf(store.snapshot(stored.code) ?? "");
  if (before === undefined) return ["it changed"];
  return snapshots.changesBetween(
    before,
    snapshots.modulesOf(code.snapshot)!,
  );
}
