/**
 * Finds in a worker the functions that modules define.
 *
 * A worker evaluates whole scripts, also those that go on to wait for jobs. Such
 * a script is *parked*: its import never ends, but what it has defined is there.
 * A script that has submitted a job wants its result, in whatever way it waits
 * for it: from then on its functions are called while its import goes on.
 *
 * @module
 */

import defer * as hooks from "node:async_hooks";
import { errorText } from "../error_text.ts";
import {
  FunctionNotFoundError,
  ImportTimeoutError,
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
  readonly url: string;
  state: "loading" | "loaded" | "parked" | "failed" | "hung";
  /** Whether its script, still loading, wants results: what it has defined must work by now. */
  wantsResults: boolean;
  error?: unknown;
  /** Resolves at the next change: of the state, or of what the script may have defined. */
  changed: PromiseWithResolvers<void>;
  /** How many jobs wait for it. */
  waiting: number;
  /** Says a word when it takes long. */
  timer?: ReturnType<typeof setTimeout>;
  /** Ends the waiting for it. */
  limit?: ReturnType<typeof setTimeout>;
}

/** Finds functions by name and version; imports the modules that define them, each once. */
export class ModuleLoader {
  readonly #imports = new Map<string, ModuleImport>();
  readonly #warn: (message: string) => void;
  readonly #damageBy: (who: string) => Error | undefined;
  // One import at a time: what a module has defined is known to be complete when it ends.
  #current: ModuleImport | undefined;
  /** The import to which the code of a script belongs, also long after. */
  readonly #scripts = new hooks.AsyncLocalStorage<ModuleImport>();

  /**
   * Makes a loader that tells people through `warn` what they should know, and asks
   * after each import whether it has done damage.
   */
  constructor(
    warn: (message: string) => void,
    damageBy: (who: string) => Error | undefined,
  ) {
    this.#warn = warn;
    this.#damageBy = damageBy;
  }

  /** The function, where that can be said at once. */
  find(url: string, name: string, version: string): UserFunction | undefined {
    const state = this.#imports.get(url)?.state;
    // What it has defined would find the rest of its module undone.
    if (state === "failed" || state === "hung") return undefined;
    // While a module is being imported, what it has defined may not work yet.
    if (state !== "loaded" && this.#isImporting()) return undefined;
    return findFunction(name, version)?.fn;
  }

  /**
   * The function, once its module was imported, or its script wants results.
   *
   * @throws {ModuleLoadError} if the module cannot be imported.
   * @throws {ImportTimeoutError} if its import, or one that it waits for, takes longer than `importTimeout` ms.
   * @throws {FunctionNotFoundError} if the module does not define the function.
   */
  async load(
    url: string,
    name: string,
    version: string,
    importTimeout = Infinity,
  ): Promise<UserFunction | typeof REFUSED> {
    while (true) {
      const found = this.find(url, name, version);
      if (found !== undefined) return found;
      const module = this.#imports.get(url);
      if (module?.state === "failed") {
        throw loadError(url, name, version, module.error);
      }
      if (module?.state === "hung") {
        throw importTimeoutError(url, name, version, importTimeout);
      }
      if (
        module !== undefined && module.state !== "loading" &&
        !this.#isImporting()
      ) {
        throw notFound(url, name, version, module.state === "parked");
      }
      if (module === undefined) {
        // A second import of a script that waits never ends, and this module may hold one.
        if (this.#hasWaiting()) return REFUSED;
        if (this.#current === undefined) this.#import(url, importTimeout);
      }
      const current = this.#current ?? module!;
      current.waiting++;
      await current.changed.promise;
      current.waiting--;
    }
  }

  /** Is called when a script has submitted a job, which a worker does not run. */
  submitted(): void {
    this.#afterThisTurn((module) => {
      module.wantsResults = true;
      // Its functions are called from now on, however long its script goes on.
      clearTimeout(module.limit);
      change(module);
    });
  }

  /** Is called when a script begins to wait for what never comes in a worker. */
  parked(): void {
    this.#afterThisTurn((module) => this.#settle(module, "parked"));
  }

  /** Code that the script has started without waiting for it may define more in this turn. */
  #afterThisTurn(then: (module: ModuleImport) => void): void {
    const module = this.#scripts.getStore() ?? this.#current;
    if (module?.state !== "loading") return;
    setTimeout(() => {
      if (module.state === "loading") then(module);
    }, 0);
  }

  #isImporting(): boolean {
    return this.#current?.wantsResults === false;
  }

  #hasWaiting(): boolean {
    return this.#current?.wantsResults === true ||
      [...this.#imports.values()].some(({ state }) => state === "parked");
  }

  #import(url: string, importTimeout: number): void {
    const module: ModuleImport = {
      url,
      state: "loading",
      wantsResults: false,
      changed: Promise.withResolvers(),
      waiting: 0,
    };
    this.#imports.set(url, module);
    this.#current = module;
    module.timer = setTimeout(() => {
      if (module.waiting === 0) return;
      this.#warn(
        `the import of ${url} in a worker has taken 10 s and goes on: jobs wait for it (put what a worker need not do into \`if (import.meta.main)\`)`,
      );
    }, LONG_IMPORT);
    // Longer than a timer can be is for ever.
    if (importTimeout < 2 ** 31) {
      module.limit = setTimeout(
        () => this.#settle(module, "hung"),
        importTimeout,
      );
    }
    this.#await(module, this.#scripts.run(module, () => import(url)));
  }

  // Unlike `then`, the module cannot replace this.
  async #await(module: ModuleImport, script: Promise<unknown>): Promise<void> {
    try {
      await script;
      const damage = this.#damageBy("It");
      if (damage !== undefined) throw damage;
    } catch (error) {
      module.error = error;
      return this.#settle(module, "failed");
    }
    this.#settle(module, "loaded");
  }

  #settle(module: ModuleImport, state: ModuleImport["state"]): void {
    clearTimeout(module.timer);
    clearTimeout(module.limit);
    // What has hung is not waited for any more, whatever becomes of it.
    if (module.state === "hung") return;
    module.state = state;
    if (this.#current === module) this.#current = undefined;
    change(module);
  }
}

/** Lets those who wait look again. */
function change(module: ModuleImport): void {
  module.changed.resolve();
  module.changed = Promise.withResolvers();
}

/** Why a module that holds a function could not be imported. */
export function loadError(
  url: string,
  name: string,
  version: string,
  error: unknown,
): ModuleLoadError {
  const reason = stripAnsiCode(errorText(error));
  const what =
    `Cannot run ${name} ${version} as its module ${url} cannot be imported`;
  const needed = permissionNeeded(what, reason, error);
  return new ModuleLoadError(needed?.message ?? `${what}: ${reason}`, {
    cause: needed ?? error,
  });
}

/** Why a job does not wait for the import of its module any longer. */
export function importTimeoutError(
  url: string,
  name: string,
  version: string,
  importTimeout: number,
): ImportTimeoutError {
  return new ImportTimeoutError(
    `Cannot run ${name} ${version} as the import of ${url} has taken longer than the importTimeout of ${importTimeout} ms: put what a worker need not do into \`if (import.meta.main)\`, or raise importTimeout`,
  );
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
