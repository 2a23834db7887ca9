/**
 * Makes functions from their source text: those that no module holds, because
 * they were typed into a notebook cell.
 *
 * @module
 */

import { ImportTimeoutError, ModuleLoadError } from "../errors.ts";
import type { CodeReference } from "../task.ts";
import { decodeValue } from "../value/decode.ts";
import type { UserFunction } from "./load.ts";
import { importTimeoutError, loadError } from "./load.ts";

/** A function's source text, with what it needs. */
export type SourceCode = CodeReference & { readonly kind: "source" };

/** Makes functions from source text; each once. */
export class SourceLoader {
  readonly #functions = new Map<string, Promise<UserFunction>>();

  /**
   * The function.
   *
   * @throws {ImportTimeoutError} if one of its imports takes longer than `importTimeout` ms.
   * @throws {ModuleLoadError} if one of its imports fails or its text is not a function.
   */
  load(
    code: SourceCode,
    name: string,
    version: string,
    importTimeout = Infinity,
  ): Promise<UserFunction> {
    const id = identity(code);
    let made = this.#functions.get(id);
    if (made === undefined) {
      made = make(code, name, version, importTimeout);
      this.#functions.set(id, made);
    }
    return made;
  }
}

/** The same for the same source, imports and values. */
function identity({ source, imports, values }: SourceCode): string {
  const leaves = values.leaves.map((leaf) => leaf.digest ?? text(leaf.peek()));
  return JSON.stringify([source, imports, text(values.bytes), leaves]);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

async function make(
  code: SourceCode,
  name: string,
  version: string,
  importTimeout: number,
): Promise<UserFunction> {
  const names = new Map<string, unknown>();
  for (const [key, specifier] of Object.entries(code.imports)) {
    names.set(
      key,
      await importExport(key, specifier, name, version, importTimeout),
    );
  }
  const values = decodeValue(code.values, { lend: true });
  for (const [key, value] of Object.entries(values as object)) {
    names.set(key, value);
  }
  if (!names.has("hi") && /\bhi\b/.test(code.source)) {
    // In a variable, so that publishing leaves it as it is.
    const url = new URL("../../mod.ts", import.meta.url).href;
    names.set("hi", await import(url));
  }
  const source = `${code.source}\n`;
  try {
    return evaluate(`(${source})`, names);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  try {
    // A method: its text is a function only inside of an object.
    return evaluate(`Object.values({${source}})[0]`, names);
  } catch (error) {
    throw new ModuleLoadError(
      `Cannot run ${name} ${version} as its source text is not a function: ${error}`,
      { cause: error },
    );
  }
}

/** What a name stands for: the export of that name, else the default, else the whole module. */
async function importExport(
  key: string,
  specifier: string,
  name: string,
  version: string,
  importTimeout: number,
): Promise<unknown> {
  let module: Record<string, unknown>;
  try {
    module = await within(
      importTimeout,
      () => importTimeoutError(specifier, name, version, importTimeout),
      import(specifier),
    );
  } catch (error) {
    if (error instanceof ImportTimeoutError) throw error;
    throw loadError(specifier, name, version, error);
  }
  if (key in module) return module[key];
  return "default" in module ? module.default : module;
}

/** What a promise resolves to, if it does so in `time` ms. */
async function within<T>(
  time: number,
  late: () => Error,
  promise: Promise<T>,
): Promise<T> {
  // Longer than a timer can be is for ever.
  if (time >= 2 ** 31) return await promise;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), time);
  });
  return await Promise.race([promise, over])
    .finally(() => clearTimeout(timer));
}

function evaluate(
  expression: string,
  names: ReadonlyMap<string, unknown>,
): UserFunction {
  const make = new Function(
    ...names.keys(),
    `"use strict"; return ${expression};`,
  );
  return make(...names.values());
}
