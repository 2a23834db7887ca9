/**
 * A module and all that it imports, as Deno resolves it (`deno info`). Runs in a
 * process of its own.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import {
  digestOf,
  type Fingerprint,
  fingerprintOf,
  type Language,
} from "./fingerprint.ts";
import { installedPackages } from "./node_modules.ts";
import { isFile } from "./on_disk.ts";
import { HITHER, UNKNOWN } from "./snapshot.ts";

/** How `deno info` is asked. */
export interface Resolver {
  /** What to start. */
  readonly deno: string;
  /** The folder of the main module: there Deno looks for its configuration. */
  readonly folder: string | undefined;
  readonly flags: readonly string[];
}

/** What goes into a snapshot, as it is found. */
export interface Found {
  /** Names and fingerprints or versions. */
  readonly modules: Map<string, string>;
  /** The files that were read, with the bytes that were found in them. */
  readonly files: Map<string, Uint8Array>;
  /** Local files that are imported and are not there. */
  readonly absent: Set<string>;
  /** What is not known, in words. */
  readonly missing: string[];
  /** Names that stand for something else by the import map, with what. */
  readonly mapped: Map<string, string>;
}

/** The part of the answer of `deno info --json` that is used here. */
interface Info {
  readonly roots: readonly string[];
  readonly modules: readonly Module[];
  readonly redirects: Readonly<Record<string, string>>;
  readonly npmPackages?: Readonly<Record<string, NpmPackage>>;
}

interface Module {
  readonly specifier: string;
  readonly kind?: string;
  readonly local?: string;
  readonly mediaType?: string;
  readonly error?: string;
  readonly npmPackage?: string;
  readonly dependencies?: readonly Dependency[];
}

interface Dependency {
  readonly specifier: string;
  readonly code?: { readonly specifier?: string; readonly error?: string };
  readonly npmPackage?: string;
}

interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly dependencies: readonly string[];
}

/** What is walked through, and how. */
export interface Walk {
  readonly resolver: Resolver;
  /** The folder that local modules are named from. */
  readonly base: string;
  /** The version of hither. */
  readonly hither: string;
  readonly verbatim: boolean;
  /** Fingerprints by the digest of the bytes and the language, from earlier and found now. */
  readonly prints: Prints;
}

/** Fingerprints that need not be made again. */
export interface Prints {
  readonly known: ReadonlyMap<string, Fingerprint>;
  readonly used: Map<string, Fingerprint>;
}

const OWN = new URL("../../", import.meta.url).href;

/** Whether a module is one of hither's own. */
function isOwn(url: string): boolean {
  return url.startsWith(OWN) &&
    /^(mod\.ts$|lib\/|cli\/)/.test(url.slice(OWN.length));
}

/** Adds a module and what it imports. */
export function addGraph(root: string, walk: Walk, found: Found): void {
  const info = ask(root, walk.resolver);
  const byUrl = new Map(
    info.modules.map((module) => [module.specifier, module]),
  );
  const resolved = (url: string) => {
    for (let i = 0; i < 10 && Object.hasOwn(info.redirects, url); i++) {
      url = info.redirects[url]!;
    }
    return url;
  };
  const seen = new Set<string>();
  const open = info.roots.map(resolved);
  for (let url = open.pop(); url !== undefined; url = open.pop()) {
    if (seen.has(url)) continue;
    seen.add(url);
    if (isOwn(url)) {
      found.modules.set(HITHER, walk.hither);
      continue;
    }
    const module = byUrl.get(url);
    const from = nameOf(url, walk.base);
    if (module === undefined || module.error !== undefined) {
      noteMissing(url, from, module?.error, found);
      // One with an error of syntax is there.
      if (module === undefined || !isReadable(url)) continue;
    }
    if (module?.npmPackage !== undefined) {
      addPackage(module.npmPackage, info, found.modules);
      continue;
    }
    // In a `node_modules` that Deno did not make.
    if (module?.kind === "external" && url.startsWith("file:")) {
      addInstalled(fileURLToPath(url), found);
    }
    const fingerprint = addModule(url, module!, from, walk, found);
    for (const dependency of module!.dependencies ?? []) {
      const { specifier, code } = dependency;
      if (code === undefined || fingerprint?.typesOnly.includes(specifier)) {
        continue;
      }
      if (code.specifier === undefined) {
        const why = code.error?.split("\n")[0] ?? "it cannot be resolved";
        found.modules.set(
          `import ${JSON.stringify(specifier)} of ${from}`,
          UNKNOWN,
        );
        found.missing.push(`${JSON.stringify(specifier)} in ${from} (${why})`);
        continue;
      }
      const target = resolved(code.specifier);
      open.push(target);
      if (dependency.npmPackage !== undefined) {
        addPackage(dependency.npmPackage, info, found.modules);
      }
      if (code.specifier !== specifier && isBare(specifier)) {
        found.mapped.set(specifier, code.specifier);
        if (isOwn(target)) continue;
        found.modules.set(
          `import ${JSON.stringify(specifier)} of ${from}`,
          nameOf(code.specifier, walk.base),
        );
      }
    }
  }
}

function ask(root: string, { deno, folder, flags }: Resolver): Info {
  const { success, stdout, stderr } = new Deno.Command(deno, {
    args: ["info", "--quiet", "--json", ...flags, root],
    env: { NO_COLOR: "1" },
    ...folder !== undefined && { cwd: folder },
  }).outputSync();
  const decoder = new TextDecoder();
  if (!success) {
    throw new Error(decoder.decode(stderr).trim().split("\n")[0]);
  }
  return JSON.parse(decoder.decode(stdout));
}

/** Whether a specifier says nothing by itself: neither a URL nor a path. */
function isBare(specifier: string): boolean {
  return !/^(\.{0,2}\/|[a-z][a-z\d+.-]*:)/i.test(specifier);
}

function isReadable(url: string): boolean {
  return url.startsWith("file:") && isFile(fileURLToPath(url));
}

function noteMissing(
  url: string,
  name: string,
  error: string | undefined,
  found: Found,
): void {
  const why = error?.split("\n")[0] ?? "it is not in the graph";
  found.modules.set(name, UNKNOWN);
  found.missing.push(`${name} (${why})`);
  if (url.startsWith("file:")) found.absent.add(fileURLToPath(url));
}

/** A local module by its path from the folder of the function's module, another by its URL. */
function nameOf(url: string, base: string): string {
  if (!url.startsWith("file:")) return url;
  const path = relative(base, fileURLToPath(url)).replaceAll("\\", "/");
  return path.startsWith("../") ? path : `./${path}`;
}

/** A package and those that it depends on, each with its versions. */
function addPackage(
  id: string,
  info: Info,
  modules: Map<string, string>,
): void {
  const seen = new Set<string>();
  const open = [id];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    const found = info.npmPackages?.[at];
    const [, name, version] = at.match(/^(@?[^@]+)@([^_]+)/) ?? [];
    addVersion(
      `npm:${found?.name ?? name ?? at}`,
      found?.version ?? version ?? "",
      modules,
    );
    open.push(...found?.dependencies ?? []);
  }
}

/** The package of a file, and those that it depends on, by what their `package.json` says. */
function addInstalled(file: string, { modules, files }: Found): void {
  for (const { name, version, path, bytes } of installedPackages(file)) {
    addVersion(`npm:${name}`, version, modules);
    files.set(path, bytes);
  }
}

function addVersion(
  name: string,
  version: string,
  modules: Map<string, string>,
): void {
  const versions = new Set(modules.get(name)?.split(" and "));
  versions.add(version);
  modules.set(name, [...versions].sort().join(" and "));
}

/** Adds one module; its fingerprint, if it was read. */
function addModule(
  url: string,
  { kind, local, mediaType = "Unknown" }: Module,
  name: string,
  walk: Walk,
  { modules, files }: Found,
): Fingerprint | undefined {
  // What a builtin is called, and the text of a data: URL, stand in the module that imports it.
  if (kind === "node" || url.startsWith("data:")) return undefined;
  const [, scoped, version] =
    url.match(/^https:\/\/jsr\.io\/(@[^/]+\/[^/]+)\/([^/]+)\//) ?? [];
  if (scoped !== undefined) {
    addVersion(`jsr:${scoped}`, version!, modules);
    return undefined;
  }
  const path = local ?? fileURLToPath(url);
  const bytes = files.get(path) ?? new Uint8Array(readFileSync(path));
  files.set(path, bytes);
  const fingerprint = kind === "esm" && url.startsWith("file:")
    ? printOf(bytes, { mediaType, verbatim: walk.verbatim }, walk.prints)
    : { digest: digestOf(bytes), typesOnly: [] };
  modules.set(name, fingerprint.digest);
  return fingerprint;
}

function printOf(
  bytes: Uint8Array,
  language: Language,
  { known, used }: Prints,
): Fingerprint {
  const { mediaType, verbatim } = language;
  const key = `${digestOf(bytes)} ${mediaType} ${verbatim}`;
  const print = known.get(key) ?? fingerprintOf(bytes, language);
  used.set(key, print);
  return print;
}

/** The folder that the modules of a root are named from. */
export function baseOf(root: string): string {
  return root.startsWith("file:") ? dirname(fileURLToPath(root)) : "/";
}
