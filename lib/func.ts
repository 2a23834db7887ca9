/**
 * Named functions.
 *
 * @module
 */

import { callSiteOf } from "./code/call_site.ts";
import { currentScope, type Options, resolve, withDefaults } from "./config.ts";
import { FunctionNotFoundError } from "./errors.ts";
import { type Job, makeJob } from "./job.ts";
import { type JobOptions, JobState } from "./job_state.ts";
import { runningJob } from "./current.ts";
import {
  definedNames,
  findLatest,
  type FunctionDefinition,
  register,
} from "./registry.ts";
import { submit } from "./scheduler.ts";
import { codeReference } from "./shipped_code.ts";
import type { Argument, Arguments } from "./types.ts";

/**
 * What can be set for one function: the options of its jobs, which win over
 * those of the scope, and whether its results may be kept.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const log: string[] = [];
 * const note = hi.func("run_options_note", "1", (x: string) => log.push(x), { cache: false });
 * await note.run("a");
 * await note.with({ timeout: 1_000 }).run("b");
 * console.assert(log.length === 2);
 * ```
 */
export interface RunOptions extends Options {
  /** `false` for a function with side effects: every `.run()` calls it, and nothing is kept. From the start `true`. */
  readonly cache?: boolean | undefined;
}

/**
 * What can be said where a function is defined.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const options: hi.FunctionOptions = { module: import.meta.url, timeout: 60_000 };
 * const f = hi.func("function_options_f", "1", () => 1, options);
 * console.assert(f() === 1);
 * ```
 */
export interface FunctionOptions extends RunOptions {
  /** URL of the module that a worker has to import, `import.meta.url`; found from the call of `func` otherwise. */
  readonly module?: string | URL | undefined;
  /**
   * For a function that no module holds: names that it uses, with what to import
   * for each, as `{ delay: "jsr:@std/async/delay" }`. It is the export of that
   * name, else the default export, else the whole module; relative specifiers
   * are meant from the working folder.
   */
  readonly imports?: Readonly<Record<string, string>> | undefined;
  /** For a function that no module holds: names that it uses, with their values, which enter the key. */
  readonly values?: Readonly<Record<string, unknown>> | undefined;
  /** What you sort its records in the cache by: `hither cache --label`. It does not enter the key. */
  readonly label?: string | undefined;
}

/**
 * A function with a name and a version. Called plainly it is the function
 * itself: no job, no cache.
 *
 * @typeParam A The types of its arguments.
 * @typeParam R The type that it returns.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const greet = hi.func("hither_function_greet", "1", (name: string) => `Hello ${name}`);
 * console.assert(greet("you") === "Hello you");
 * console.assert(await greet.run("you") === "Hello you");
 * ```
 */
export interface HitherFunction<A extends readonly unknown[], R> {
  /** Calls the function here and now. */
  (...args: A): R;
  /** The name. */
  readonly name: string;
  /** The version. */
  readonly version: string;
  /**
   * Submits a job. Every argument, and anything in its arrays, plain objects
   * and Maps, may be a Job: its result is taken.
   *
   * @throws {UnsupportedValueError} if an argument holds something that is not data.
   */
  run(...args: Arguments<A>): Job<Awaited<R>>;
  /** Submits a job for each item, with the item as the only argument. */
  map(items: Iterable<Argument<A[0]>>): Job<Awaited<R>>[];
  /** The same function with other options for its jobs. */
  with(options: RunOptions): HitherFunction<A, R>;
}

/**
 * Names a function and gives it a version. Define functions where a module is
 * evaluated, not inside of other functions: a worker finds them by importing
 * the module.
 *
 * @param name The name; a job's key holds it.
 * @param version The version; raise it when the results change.
 * @param fn The function. Its arguments and results must be data.
 * @param options Options of its jobs, and where its code is.
 * @returns The function, with `.run()`, `.map()` and `.with()`.
 * @throws {TypeError} if name or version is not a string, or `fn` not a function (but a class, a generator), or an option is wrong.
 * @throws {DuplicateFunctionError} if the name and version are taken.
 * @throws {FreeVariableError} if no module holds the function and it uses names that a worker cannot know.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const square = hi.func("func_square", "0.1.0", (x: number) => x * x);
 * const jobs = square.map([1, 2, 3]);
 * await hi.wait();
 * console.assert(jobs.map((job) => job.getResult()).join() === "1,4,9");
 * ```
 */
export function func<F extends (...args: never[]) => unknown>(
  name: string,
  version: string,
  fn: F,
  options: FunctionOptions = {},
): HitherFunction<Parameters<F>, ReturnType<F>> {
  checkText("name", name);
  checkText("version", version, name);
  if (typeof fn !== "function") {
    throw new TypeError(
      `Cannot define ${name} ${version} as the third argument must be a function: current value is ${
        Deno.inspect(fn)
      }`,
    );
  }
  checkObject(options, `func("${name}")`);
  const { module, imports, values, label, ...runOptions } = options;
  checkOptions(runOptions, `func("${name}")`, OWN_FUNCTION_OPTIONS);
  const site = callSiteOf(func);
  const url = module === undefined ? site.module : checkModule(name, module);
  const definition: FunctionDefinition = {
    name,
    version,
    fn,
    code: codeReference(name, version, fn, url, { imports, values }),
    place: site.place,
    replaceable: url === undefined,
    definedAt: Date.now(),
    label: checkLabel(name, label),
  };
  register(definition);
  return callable(definition, runOptions);
}

/**
 * Runs a function by its name, for those who do not have it at hand.
 *
 * @param name The name; of several versions the one defined last is taken.
 * @param args The arguments.
 * @returns The job.
 * @throws {FunctionNotFoundError} if no function of that name is defined.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * hi.func("run_by_name", "1", (x: number) => x + 1);
 * console.assert(await hi.run("run_by_name", 1) === 2);
 * ```
 */
export function run(name: string, ...args: unknown[]): Job<unknown> {
  const definition = findLatest(name);
  if (definition === undefined) {
    throw new FunctionNotFoundError(
      `Cannot run ${name} as no function of that name is defined: there are ${
        definedNames().join(", ") || "none"
      }`,
    );
  }
  return submitJob(definition, NO_OPTIONS, args);
}

function callable<A extends readonly unknown[], R>(
  definition: FunctionDefinition,
  options: RunOptions,
): HitherFunction<A, R> {
  const { name, version } = definition;
  const fn = definition.fn as unknown as (...args: A) => R;
  const call = (...args: A): R => fn(...args);
  // A function's own name is not writable.
  Object.defineProperty(call, "name", { value: name });
  return Object.assign(call, {
    version,
    run: (...args: Arguments<A>) =>
      submitJob<Awaited<R>>(definition, options, args as unknown[]),
    map: (items: Iterable<Argument<A[0]>>) => {
      checkIterable(name, items);
      return Array.from(
        items,
        (item) => submitJob<Awaited<R>>(definition, options, [item]),
      );
    },
    with: (more: RunOptions) => {
      checkOptions(more, `${name}.with`, OWN_RUN_OPTIONS);
      return callable<A, R>(definition, { ...options, ...more });
    },
  });
}

function submitJob<T>(
  definition: FunctionDefinition,
  own: RunOptions,
  args: unknown[],
): Job<T> {
  // A call with trailing `undefined` is the call without them.
  while (args.length > 0 && args.at(-1) === undefined) args.pop();
  const scope = currentScope();
  const parent = runningJob();
  const options = jobOptions(scope.options, own);
  const port = parent?.port;
  const state = new JobState(
    definition,
    port === undefined ? options : withDefaults(options),
    scope,
    parent !== undefined,
  );
  const job = makeJob<T>(state);
  // `null` says that the job is to run here, and the program is elsewhere.
  if (port === undefined || options.jobHandler === null) submit(state, args);
  else port.submit(state, args, { ...options });
  return job;
}

const NO_OPTIONS: RunOptions = {};

const resolved = new WeakMap<object, WeakMap<RunOptions, JobOptions>>();

/** The options of a job; all jobs of a function in a scope have the same object. */
function jobOptions(
  inherited: Omit<JobOptions, "cache">,
  own: RunOptions,
): JobOptions {
  let known = resolved.get(inherited);
  if (known === undefined) resolved.set(inherited, known = new WeakMap());
  let options = known.get(own);
  if (options === undefined) {
    const { cache = true, ...others } = own;
    options = { ...resolve(inherited, others, "run"), cache };
    known.set(own, options);
  }
  return options;
}

const OWN_RUN_OPTIONS = ["cache"];
const OWN_FUNCTION_OPTIONS = ["cache", "module", "imports", "values", "label"];

function checkOptions(
  options: RunOptions,
  where: string,
  own: readonly string[],
): void {
  checkObject(options, where);
  const { cache, ...others } = options;
  if (cache !== undefined && typeof cache !== "boolean") {
    throw new TypeError(
      `Cannot call ${where} as cache must be true or false: current value is ${
        Deno.inspect(cache)
      }`,
    );
  }
  resolve(currentScope().options, others, where, own);
}

function checkObject(options: unknown, where: string): void {
  if (typeof options === "object" && options !== null) return;
  throw new TypeError(
    `Cannot call ${where} as the options must be an object: current value is ${
      Deno.inspect(options)
    }`,
  );
}

function checkIterable(name: string, items: unknown): void {
  if (typeof Object(items)[Symbol.iterator] === "function") return;
  throw new TypeError(
    `Cannot call ${name}.map as the items must be an array or another iterable: current value is ${
      Deno.inspect(items)
    }. Await a Promise or a Job of an array first`,
  );
}

function checkText(
  what: string,
  value: unknown,
  name?: string,
): asserts value is string {
  if (typeof value === "string" && value !== "" && !hasControl(value)) return;
  throw new TypeError(
    `Cannot define ${
      name ?? "a function"
    } as its ${what} must be a string with at least one character and no control characters: current value is ${
      Deno.inspect(value)
    }`,
  );
}

/** By hand: to compile `\p{Cc}` takes as long as a lookup in the cache. */
function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) return true;
  }
  return false;
}

function checkLabel(name: string, label: unknown): string {
  if (label === undefined) return "";
  checkText("label", label, name);
  return label;
}

function checkModule(name: string, module: unknown): string {
  if (module instanceof URL) return module.href;
  if (typeof module === "string" && URL.canParse(module)) return module;
  throw new TypeError(
    `Cannot define ${name} as module must be a URL, import.meta.url for instance: current value is ${
      Deno.inspect(module)
    }`,
  );
}
