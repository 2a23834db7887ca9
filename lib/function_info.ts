/**
 * What the cache knows a function by.
 *
 * @module
 */

import type { FunctionInfo } from "./cache/record.ts";
import type { FunctionDefinition } from "./registry.ts";
import { contributionOf } from "./value/contribution.ts";
import { decodeValue } from "./value/decode.ts";
import { sha256 } from "./value/sha256.ts";
import { warnOnce } from "./warn.ts";

/** What the cache keeps of a function, and the version as it enters keys. */
export interface KeyedFunctionInfo extends FunctionInfo {
  /** The version, and behind it the digest of the values that a function without a module was given. */
  readonly keyVersion: string;
}

const infos = new WeakMap<FunctionDefinition, KeyedFunctionInfo>();

/** The information on a function, computed once. */
export function functionInfoOf(
  definition: FunctionDefinition,
): KeyedFunctionInfo {
  let info = infos.get(definition);
  if (info === undefined) infos.set(definition, info = describe(definition));
  return info;
}

function describe(definition: FunctionDefinition): KeyedFunctionInfo {
  const { name, version, fn, code } = definition;
  const source = sha256(new TextEncoder().encode(fn.toString())).toHex();
  if (code.kind === "module") {
    return {
      name,
      version,
      source,
      module: code.url,
      code: "",
      label: "",
      keyVersion: version,
    };
  }
  const values = contributionOf([decodeValue(code.values), code.imports]);
  const keyVersion =
    hasNames(code.imports) || hasNames(decodeValue(code.values))
      ? `${version}\0${sha256(values).toHex()}`
      : version;
  return {
    name,
    version,
    source,
    module: "",
    code: "",
    label: "",
    keyVersion,
  };
}

function hasNames(names: unknown): boolean {
  return Object.keys(names as object).length > 0;
}

/** Warns, once for a function, if a record was made by other source text. */
export function warnIfSourceDiffers(
  definition: FunctionDefinition,
  stored: FunctionInfo,
): void {
  const { name, version, source } = functionInfoOf(definition);
  if (stored.source === source) return;
  warnOnce(
    `source ${name} ${version}`,
    `the results of ${name} ${version} in the cache were made by other source text than ${definition.place} has now: ` +
      `raise the version if the results differ, or run once with { forceRun: true }`,
  );
}
