/**
 * Where a worker finds the code of a function: in its module, or, if no module
 * holds it, in its source text, which is shipped.
 *
 * @module
 */

import type { FreeVariable } from "./code/free_variables.ts";
import { freeVariables } from "./code/parser.ts";
import { FreeVariableError } from "./errors.ts";
import type { CodeReference } from "./task.ts";
import { encodeValue } from "./value/encode.ts";
import { fileUrl } from "./value/given_path.ts";

/** The names that a function without a module was given. */
export interface GivenNames {
  readonly imports: unknown;
  readonly values: unknown;
}

type Names<T> = Readonly<Record<string, T>>;

/**
 * The code of a function.
 *
 * @param module The URL of its module, if there is one.
 * @throws {TypeError} if `fn` is a class or a generator, or a worker could not make it; if the given names are not what they must be, or are of no use.
 * @throws {FreeVariableError} if its text uses names that a worker would not know.
 */
export function codeReference(
  name: string,
  version: string,
  fn: (...args: never[]) => unknown,
  module: string | undefined,
  given: GivenNames,
): CodeReference {
  const what = `Cannot define ${name} ${version} as`;
  checkKind(what, fn);
  if (module === undefined) return shippedCode(what, fn, given);
  for (const option of ["imports", "values"] as const) {
    if (given[option] === undefined) continue;
    throw new TypeError(
      `${what} it has a module, ${module}, and ${option} are for functions without one: import what it uses at the top of the module`,
    );
  }
  return { kind: "module", url: module };
}

/** Only what can be called, and gives one result, is a job's function. */
function checkKind(what: string, fn: (...args: never[]) => unknown): void {
  const text = Function.prototype.toString.call(fn);
  // A method may be called "class".
  const fixed =
    Object.getOwnPropertyDescriptor(fn, "prototype")?.writable === false;
  if (fixed && text.startsWith("class")) {
    throw new TypeError(
      `${what} the third argument must be a function that can be called: current value is a class, so wrap it as (x) => new ${
        fn.name || "C"
      }(x).result()`,
    );
  }
  if (Object.prototype.toString.call(fn).includes("Generator")) {
    throw new TypeError(
      `${what} its function must return one result: current value is a generator, so wrap it as (x) => Array.from(${
        fn.name || "f"
      }(x))`,
    );
  }
}

function shippedCode(
  what: string,
  fn: (...args: never[]) => unknown,
  given: GivenNames,
): CodeReference {
  const values = checkNames(what, "values", given.values ?? {});
  const imports = checkImports(what, given.imports ?? {});
  for (const name of Object.keys(imports)) {
    if (!Object.hasOwn(values, name)) continue;
    throw new TypeError(
      `${what} ${name} is both in imports and in values: give it in one of them`,
    );
  }
  const source = fn.toString();
  checkVariables(what, source, [
    "hi",
    ...Object.keys(imports),
    ...Object.keys(values),
  ]);
  return {
    kind: "source",
    source,
    imports,
    values: encodeValue(values, { root: "values" }),
  };
}

function checkNames(
  what: string,
  option: "imports" | "values",
  names: unknown,
): Names<unknown> {
  if (!isPlainObject(names)) {
    throw new TypeError(
      `${what} ${option} must be a plain object, { NAME: \u2026 }: current value is ${
        Deno.inspect(names)
      }`,
    );
  }
  for (const name of Object.keys(names)) {
    if (isIdentifier(name)) continue;
    throw new TypeError(
      `${what} each key of ${option} must be a name that its text can use: current value is ${
        JSON.stringify(name)
      }`,
    );
  }
  return names;
}

function checkImports(what: string, given: unknown): Names<string> {
  const imports: Record<string, string> = {};
  const names = checkNames(what, "imports", given);
  for (const [name, specifier] of Object.entries(names)) {
    if (typeof specifier !== "string" || specifier === "") {
      throw new TypeError(
        `${what} imports.${name} must be a specifier, "jsr:@std/async/delay" for instance: current value is ${
          Deno.inspect(specifier)
        }`,
      );
    }
    imports[name] = /^\.{0,2}\//.test(specifier)
      ? resolveInWorkingFolder(what, name, specifier)
      : specifier;
  }
  return imports;
}

/** A worker has no file beside which it could look. */
function resolveInWorkingFolder(
  what: string,
  name: string,
  specifier: string,
): string {
  let folder: string;
  try {
    folder = Deno.cwd();
  } catch (cause) {
    throw new TypeError(
      `${what} imports.${name} must be a full URL where the working folder cannot be read: current value is ${
        JSON.stringify(specifier)
      }`,
      { cause },
    );
  }
  return new URL(specifier, `${fileUrl(folder)}/`).href;
}

function checkVariables(
  what: string,
  source: string,
  known: readonly string[],
): void {
  const unknown = variablesOf(what, source).filter(({ name }) =>
    !known.includes(name)
  );
  if (unknown.length === 0) return;
  const names = unknown.map(({ name }) => name);
  const { name, line } = unknown[0]!;
  const cure = name === "import.meta"
    ? "only a module has one, so give what you take from it as { values: { NAME: \u2026 } }"
    : 'give them as { imports: { NAME: "jsr:\u2026" } } or { values: { NAME: \u2026 } }';
  throw new FreeVariableError(
    `${what} a worker would not know ${
      names.join(", ")
    }, used in "${line}": ${cure}`,
    names,
  );
}

function variablesOf(what: string, source: string): FreeVariable[] {
  try {
    return freeVariables?.(source) ?? [];
  } catch (cause) {
    throw new TypeError(
      `${what} a worker could not make it from its text: current value is a native or bound function, so wrap it as (x) => fn(x) with { imports }`,
      { cause },
    );
  }
}

function isPlainObject(value: unknown): value is Names<unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Whether strict code can have a variable of that name. */
function isIdentifier(name: string): boolean {
  if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)) return false;
  try {
    new Function(name, '"use strict"');
    return true;
  } catch {
    return false;
  }
}
