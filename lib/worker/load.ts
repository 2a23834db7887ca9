/**
 * Finds in a worker the functions that modules define.
 *
 * A worker evaluates whole scripts, also those that go on to wait for jobs. Such
 * a script is *parked*: its import never ends, but what it has defined is there.
 *
 * @module
 */

import {
  FunctionNotFoundError,
  ModuleLoadError,
  PermissionNeededError,
} from "../errors.ts";
import { definedNames, findFunction, findLatest } from "../registry.ts";

/** A user's function. */
export type UserFunction = (...args: never[]) => unknown;

/** After how long an import that has not ended is worth a word, in ms. */
const LONG_IMPORT = 10_000;

/** Says that a function needs a worker in which no script is parked. */
export const REFUSED = Symbol("refused");

/** The import of one module. */
interface ModuleImport {
  state: "loading" | "loaded" | "parked" | "failed";
  error?: unknown;
  /** Resolves when the import has ended or its script is parked. */
  readonly settled: Promise<void>;
  park(): void;
}

/** Finds functions by name and version; imports the modules that define them, each once. */
export class ModuleLoader {
  readonly #imports = new Map<string, ModuleImport>();
  readonly #warn: (message: string) => void;
  // One import at a time: so a park belongs to the script that is being imported.
  #current: ModuleImport | undefined;

  /** Makes a loader that tells people through `warn` what they should know. */
  constructor(warn: (message: string) => void) {
    this.#warn = warn;
  }

  /** The function, where that can be said at once. */
  find(url: string, name: string, version: string): UserFunction | undefined {
    // While a module is being imported, what it has defined may not work yet.
    if (this.#current !== undefined) return undefined;
    if (this.#imports.get(url)?.state === "failed") return undefined;
    return findFunction(name, version)?.fn;
  }

  /**
   * The function, once its module was imported.
   *
   * @throws {ModuleLoadError} if the module cannot be imported.
   * @throws {FunctionNotFoundError} if the module does not define the function.
   */
  async load(
    url: string,
    name: string,
    version: string,
  ): Promise<UserFunction | typeof REFUSED> {
    while (this.#current !== undefined) await this.#current.settled;
    let module = this.#imports.get(url);
    if (module === undefined) {
      const known = findFunction(name, version);
      if (known !== undefined) return known.fn;
      // A second import of a parked script never ends, and this module may hold one.
      if (this.#hasParked()) return REFUSED;
      module = this.#import(url);
      await module.settled;
    }
    if (module.state === "failed") {
      throw loadError(url, name, version, module.error);
    }
    const found = findFunction(name, version);
    if (found !== undefined) return found.fn;
    throw notFound(url, name, version, module.state === "parked");
  }

  /** Is called when a script begins to wait for what never comes in a worker. */
  parked(): void {
    this.#current?.park();
  }

  #hasParked(): boolean {
    return [...this.#imports.values()].some(({ state }) => state === "parked");
  }

  #import(url: string): ModuleImport {
    const { promise: settled, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(
      this.#warn,
      LONG_IMPORT,
      `the import of ${url} in a worker has taken 10 s and goes on: jobs wait for it`,
    );
    const settle = (state: ModuleImport["state"]): void => {
      clearTimeout(timer);
      module.state = state;
      if (this.#current === module) this.#current = undefined;
      resolve();
    };
    const module: ModuleImport = {
      state: "loading",
      settled,
      // Code that the script has started without waiting for it may define more in this turn.
      park: () =>
        setTimeout(() => {
          if (module.state === "loading") settle("parked");
        }, 0),
    };
    this.#imports.set(url, module);
    this.#current = module;
    import(url).then(
      () => settle("loaded"),
      (error) => {
        module.error = error;
        settle("failed");
      },
    );
    return module;
  }
}

/** Why a module that holds a function could not be imported. */
export function loadError(
  url: string,
  name: string,
  version: string,
  error: unknown,
): ModuleLoadError {
  const reason = stripAnsiCode(
    error instanceof Error ? error.message : String(error),
  );
  const what =
    `Cannot run ${name} ${version} as its module ${url} cannot be imported`;
  const needed = permissionNeeded(what, reason, error);
  return new ModuleLoadError(needed?.message ?? `${what}: ${reason}`, {
    cause: needed ?? error,
  });
}

/** The error that names the flag, if `reason` is Deno's refusal for want of a permission. */
export function permissionNeeded(
  what: string,
  reason: string,
  cause: unknown,
): PermissionNeededError | undefined {
  const flag = /Requires .* access .*(--allow-[a-z]+)/.exec(reason)?.[1];
  if (flag === undefined) return undefined;
  return new PermissionNeededError(
    `${what}: ${reason.replace(/, run again.*$/s, "")}: run Deno with ${flag}`,
    flag,
    { cause },
  );
}

/** Deno colours its messages about modules. */
function stripAnsiCode(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/\x1b\[\d*m/g, "");
}

function notFound(
  url: string,
  name: string,
  version: string,
  parked: boolean,
): FunctionNotFoundError {
  const what = `Cannot run ${name} ${version} as ${url}`;
  if (parked) {
    return new FunctionNotFoundError(
      `${what} defines it, if at all, only after it first waits on hither, which a worker never gets past: define it before the first await on hither, or put what waits into \`if (import.meta.main)\``,
    );
  }
  return new FunctionNotFoundError(
    `${what} does not define it when it is imported (it defines ${
      definedBy(url)
    }): define the function at the top level of the module, with the same name and version each time`,
  );
}

function definedBy(url: string): string {
  const names = definedNames().flatMap((name) => {
    const latest = findLatest(name);
    const here = latest?.code.kind === "module" && latest.code.url === url;
    return here ? [`${name} ${latest.version}`] : [];
  });
  return names.length === 0 ? "none" : names.join(", ");
}
