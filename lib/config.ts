/**
 * The configuration in force: by scope with `config`, for a whole program with
 * `setDefaults`.
 *
 * @module
 */

import { JobCache } from "./cache/job_cache.ts";
import { innermostScope, runInScope, runningJob } from "./current.ts";
import type { DeclaredPermissions, PermissionOptions } from "./permissions.ts";
import defer * as sandbox from "./permissions.ts";
import { rechecksDone } from "./recheck.ts";
import { isIdleWorker, isWorker, park } from "./role.ts";
import {
  eitherSignal,
  type ResolvedSchedulingOptions,
  SCHEDULING_CHECKS,
  SCHEDULING_DEFAULTS,
  type SchedulingOptions,
  schedulingRefusal,
} from "./scheduling_options.ts";
import { Scope } from "./scope.ts";
import type { JobHandler } from "./task.ts";

/**
 * How jobs run. An option that is left out, or `undefined`, is inherited from
 * the scope outside; `null` is a value of its own.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const options: hi.Options = { jobCache: null, timeout: 60_000 };
 * const f = hi.func("options_f", "1", () => 1);
 * console.assert(await hi.config(options, () => f.run()) === 1);
 * ```
 */
export interface Options extends SchedulingOptions {
  /** Where jobs run; `null`: in this process, one after the other. */
  readonly jobHandler?: JobHandler | null | undefined;
  /** Where results are kept; `null`, as from the start: nowhere. */
  readonly jobCache?: JobCache | null | undefined;
  /** Run every job, also one whose result is in the cache, and store the new result. From the start `false`. */
  readonly forceRun?: boolean | undefined;
  /** Store errors as well, and take a stored error for an outcome. From the start `false`. */
  readonly cacheFailing?: boolean | undefined;
  /** Run a job again whose stored outcome is an error, and store the new outcome. From the start `false`. */
  readonly rerunFailing?: boolean | undefined;
  /**
   * The share of hits that are run again, from 0, as from the start, to 1. They are
   * chosen at random and run when no other job does; where the result differs from
   * the stored one, a warning names the function and the place. The job has its
   * stored result meanwhile. A hit whose result has files or folders is never run
   * again: that would write them anew while the program uses them. `config` waits
   * for those that are run again at its end.
   */
  readonly recheck?: number | undefined;
  /**
   * What becomes of a result that other code made, of the function itself or of
   * what its module imports. `"warn"`, as from the start: it is taken, and a warning
   * says once what changed. `"auto"`: the code enters the key, so the job runs again;
   * comments, white space and types do not count. `"version"`: the version alone counts.
   */
  readonly code?: "warn" | "auto" | "version" | undefined;
  /**
   * The flags that the program was started with, as far as they decide what its
   * imports mean: `["--import-map", "map.json"]`. From the start none; on Linux they
   * are found out where that can be done.
   */
  readonly denoArgs?: readonly string[] | undefined;
  /** How long a job may run, in ms from its start, and each attempt of it anew; `null`, as from the start: as long as it likes. */
  readonly timeout?: number | null | undefined;
  /**
   * How much memory a job may take, in bytes; `null`, as from the start: as much as there is.
   * Needs a handler that runs it in a process of its own.
   */
  readonly memory?: number | null | undefined;
  /**
   * How long a worker may take to import the module of a function, in ms; from the start
   * 30,000. A module that takes longer fails the jobs that wait for it.
   */
  readonly importTimeout?: number | undefined;
  /**
   * What a job may do: `"none"`, so that it depends on its arguments alone, or what is listed: see
   * {@linkcode PermissionOptions}. `"inherit"` and `null`, as from the start: what the program may.
   * Needs a handler that runs it in a worker. What a job submits itself may do no more than the job.
   */
  readonly permissions?:
    | "none"
    | "inherit"
    | PermissionOptions
    | null
    | undefined;
}

/** Options with nothing left out. */
export interface ResolvedOptions extends ResolvedSchedulingOptions {
  readonly jobHandler: JobHandler | null;
  readonly jobCache: JobCache | null;
  readonly forceRun: boolean;
  readonly cacheFailing: boolean;
  readonly rerunFailing: boolean;
  readonly recheck: number;
  readonly code: "warn" | "auto" | "version";
  readonly denoArgs: readonly string[];
  readonly timeout: number | null;
  readonly memory: number | null;
  readonly importTimeout: number;
  /** As declared, with URLs as paths; `null`: as the program. */
  readonly permissions: DeclaredPermissions | null;
}

const root = new Scope<ResolvedOptions>({
  jobHandler: null,
  jobCache: null,
  forceRun: false,
  cacheFailing: false,
  rerunFailing: false,
  recheck: 0,
  code: "warn",
  denoArgs: [],
  timeout: null,
  memory: null,
  importTimeout: 30_000,
  permissions: null,
  ...SCHEDULING_DEFAULTS,
});

const NOTHING_SET = {} as ResolvedOptions;

/** Options with those of this isolate where nothing was set. */
export function withDefaults<O extends ResolvedOptions>(options: O): O {
  return { ...root.options, ...options };
}

/** The scope that is in force in this async context. */
export function currentScope(): Scope<ResolvedOptions> {
  const scope = innermostScope() as Scope<ResolvedOptions> | undefined;
  if (scope !== undefined) return scope;
  const job = runningJob();
  if (job === undefined) return root;
  // A job in a worker: its children are its own. Of their options only what the
  // job sets is known here; the program adds the others.
  const inherited = job.port === undefined ? root.options : NOTHING_SET;
  const children = root.child(inherited);
  job.scope = children;
  return children;
}

/**
 * Calls `body` with these options in force for every job that it, or what it
 * calls, submits. Scopes nest; the options follow async calls.
 *
 * @param options What differs from the scope outside.
 * @param body What to call.
 * @returns What `body` returns.
 * @throws {TypeError} if an option is of the wrong type.
 * @throws {RangeError} if a number is not one that the option can have.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const square = hi.func("config_square", "1", (x: number) => x * x);
 * await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 2 });
 * const jobCache = new hi.JobCache({ path: await Deno.makeTempDir() });
 * const result = await hi.config({ jobCache }, async () => {
 *   return await square.run(3);
 * });
 * console.assert(result === 9);
 * ```
 */
export function config<R>(
  options: Options,
  body: () => R,
): Promise<Awaited<R>> {
  if (typeof body !== "function") {
    throw new TypeError(
      `Cannot call config as its second argument must be a function: current value is ${
        Deno.inspect(body)
      }`,
    );
  }
  if (isIdleWorker()) return park();
  const scope = currentScope();
  const inner = scope.child(resolve(scope.options, options, "config"));
  const result = new Promise<Awaited<R>>((settle) =>
    settle(runInScope(inner, body) as Awaited<R>)
  );
  // A job must not wait for what waits until it has ended.
  return runningJob() === undefined ? withRechecks(result) : result;
}

/** Also waits, where hits are to be run again: the caller's handler may go with the scope. */
async function withRechecks<R>(result: Promise<R>): Promise<R> {
  try {
    return await result;
  } finally {
    await rechecksDone();
  }
}

/**
 * Sets options for the whole program: for every job that is submitted outside
 * of a `config` scope from now on. For scripts and notebooks.
 *
 * @param options What is to change.
 * @throws {TypeError} if an option is of the wrong type.
 * @throws {RangeError} if a number is not one that the option can have.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * hi.setDefaults({ timeout: 10_000 });
 * hi.setDefaults({ timeout: null });
 * ```
 */
export function setDefaults(options: Options): void {
  const resolved = resolve(root.options, options, "setDefaults");
  if (!isWorker()) root.options = resolved;
}

/** `base` with the options of `change` that are there, checked; a message names `others` as well. */
export function resolve(
  base: ResolvedOptions,
  change: Options,
  where: string,
  others: readonly string[] = [],
): ResolvedOptions {
  if (typeof change !== "object" || change === null) {
    throw new TypeError(
      `Cannot call ${where} as the options must be an object: current value is ${
        Deno.inspect(change)
      }`,
    );
  }
  for (const [name, value] of Object.entries(change)) {
    if (value !== undefined) check(name, value, where, others);
  }
  const given = Object.entries(change).filter(([, value]) =>
    value !== undefined
  );
  const resolved: ResolvedOptions = {
    ...base,
    ...Object.fromEntries(given),
    ...change.permissions !== undefined &&
      { permissions: declared(change.permissions) },
  };
  // In a job in a worker only what was given there is known.
  return !base.signal || !change.signal ? resolved : {
    ...resolved,
    signal: eitherSignal(base.signal, change.signal),
  };
}

const CHECKS: Record<
  keyof ResolvedOptions,
  readonly [(value: unknown) => boolean, string]
> = {
  jobHandler: [
    (value) => value === null || isHandler(value),
    "a job handler (with run and cancel) or null",
  ],
  jobCache: [
    (value) => value === null || value instanceof JobCache,
    "a JobCache or null",
  ],
  forceRun: [isBoolean, "true or false"],
  cacheFailing: [isBoolean, "true or false"],
  rerunFailing: [isBoolean, "true or false"],
  recheck: [
    (value) => typeof value === "number",
    "the share of hits to run again, from 0 to 1",
  ],
  code: [
    (value) => ["warn", "auto", "version"].includes(value as string),
    '"warn", "auto" or "version"',
  ],
  denoArgs: [
    (value) =>
      Array.isArray(value) && value.every((flag) => typeof flag === "string"),
    "an array of flags",
  ],
  timeout: [
    (value) => value === null || typeof value === "number",
    "a number of milliseconds or null",
  ],
  memory: [
    (value) => value === null || typeof value === "number",
    "a number of bytes or null",
  ],
  importTimeout: [
    (value) => typeof value === "number",
    "a number of milliseconds",
  ],
  permissions: [
    (value) =>
      value === "none" || value === "inherit" ||
      typeof value === "object" && !Array.isArray(value),
    '"none", "inherit", an object of permissions, { read: ["./data"] } for instance, or null',
  ],
  ...SCHEDULING_CHECKS,
};

/** Options that must be more than 0, each with its unit. */
const UNITS: Readonly<Record<string, string>> = {
  timeout: "ms",
  memory: "bytes",
  importTimeout: "ms",
};

function check(
  name: string,
  value: unknown,
  where: string,
  others: readonly string[],
): void {
  const known = Object.hasOwn(CHECKS, name)
    ? CHECKS[name as keyof ResolvedOptions]
    : undefined;
  if (known === undefined) {
    throw new TypeError(
      `Cannot call ${where} with the option ${name} as there is none of that name: the options are ${
        [...Object.keys(CHECKS), ...others].join(", ")
      }`,
    );
  }
  if (!known[0](value)) {
    throw new TypeError(
      `Cannot call ${where} as ${name} must be ${known[1]}: current value is ${
        Deno.inspect(value)
      }`,
    );
  }
  if (name === "recheck" && !(value as number >= 0 && value as number <= 1)) {
    throw new RangeError(
      `Cannot call ${where} as recheck must be from 0 to 1: current value is ${value}`,
    );
  }
  if (name === "permissions" && typeof value === "object" && value !== null) {
    const refusal = sandbox.permissionsRefusal(value);
    if (refusal !== undefined) {
      throw new TypeError(`Cannot call ${where} as ${refusal}`);
    }
  }
  const refusal = schedulingRefusal(name, value);
  if (refusal !== undefined) {
    throw new RangeError(`Cannot call ${where} as ${refusal}`);
  }
  const unit = UNITS[name];
  if (unit !== undefined && value !== null && !((value as number) > 0)) {
    throw new RangeError(
      `Cannot call ${where} as ${name} must be more than 0 ${unit}: current value is ${value}`,
    );
  }
}

/** Permissions as they are kept. */
function declared(
  given: Exclude<Options["permissions"], undefined>,
): DeclaredPermissions | null {
  return given === null || given === "inherit"
    ? null
    : sandbox.declaredPermissions(given);
}

function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}

function isHandler(value: unknown): boolean {
  const handler = value as Partial<JobHandler> | undefined;
  return typeof handler?.run === "function" &&
    typeof handler.cancel === "function";
}
