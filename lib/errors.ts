/**
 * Every error class that a user can catch. Wrong options are built-in
 * `TypeError` and `RangeError`, as everywhere; what a user's function throws is
 * rethrown as it is.
 *
 * @module
 */

/**
 * The common ancestor of hither's own errors.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * console.assert(new hi.CacheError("no") instanceof hi.HitherError);
 * ```
 */
export class HitherError extends Error {
  /** The name of the class, also where the class is not at hand. */
  override name = "HitherError";
}

/**
 * An argument or a result holds something that is not data: a function, a Promise, a
 * cycle, an instance of an unregistered class. The message names the path and the cure.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const f = hi.func("errors_unsupported", "1", (x: unknown) => x);
 * try {
 *   f.run({ callback: () => 1 });
 * } catch (error) {
 *   console.assert(error instanceof hi.UnsupportedValueError);
 *   console.assert((error as hi.UnsupportedValueError).path === "args[0].callback");
 * }
 * ```
 */
export class UnsupportedValueError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "UnsupportedValueError";
  /** Where the refused value stands, as `args[0].opts.callback` or `result[3]`. */
  readonly path: string;

  /** Makes the error with a message, its `path` and, if there is one, its cause. */
  constructor(message: string, path: string, options?: ErrorOptions) {
    super(message, options);
    this.path = path;
  }
}

/**
 * Encoded bytes cannot be decoded here: they are not whole, or hold a class for which this
 * program registered no codec.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const error = new hi.DecodeError("no codec named Point is registered");
 * console.assert(error instanceof hi.HitherError);
 * ```
 */
export class DecodeError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "DecodeError";
}

/**
 * A name and version were defined twice. The message names both places.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * hi.func("errors_duplicate", "1", () => 1);
 * try {
 *   hi.func("errors_duplicate", "1", () => 2);
 * } catch (error) {
 *   console.assert(error instanceof hi.DuplicateFunctionError);
 * }
 * ```
 */
export class DuplicateFunctionError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "DuplicateFunctionError";
}

/**
 * No function of that name (and version) is defined: in this program for `hi.run`, or in
 * the module that a worker imported.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * try {
 *   hi.run("errors_nobody_defined_this");
 * } catch (error) {
 *   console.assert(error instanceof hi.FunctionNotFoundError);
 * }
 * ```
 */
export class FunctionNotFoundError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "FunctionNotFoundError";
}

/**
 * A function that no module holds (a notebook cell, `eval`) uses names that a worker would
 * not know. Give them as `imports` and `values`.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const error = new hi.FreeVariableError("scale uses k, which is not known", ["k"]);
 * console.assert(error.names[0] === "k");
 * ```
 */
export class FreeVariableError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "FreeVariableError";
  /** The names that are not known. */
  readonly names: readonly string[];

  /** Makes the error with a message, its `names` and, if there is one, its cause. */
  constructor(
    message: string,
    names: readonly string[],
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.names = names;
  }
}

/**
 * The module that defines a function could not be imported in a worker: it is missing, has
 * a syntax error, imports something missing, or threw. `cause` holds the error.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const error = new hi.ModuleLoadError("file:///gone.ts cannot be imported");
 * console.assert(error instanceof hi.HitherError);
 * ```
 */
export class ModuleLoadError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "ModuleLoadError";
}

/**
 * A large binary argument was written to between `.run()` and the start of its job: give
 * the job a copy, or wait for it first. Or something that `hi.share` has made was written to at all.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const error = new hi.ArgumentChangedError("args[0] was written to");
 * console.assert(error instanceof hi.HitherError);
 * ```
 */
export class ArgumentChangedError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "ArgumentChangedError";
}

/**
 * A result was in the cache and is damaged or gone. `await job` runs the job again.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const error = new hi.ResultLostError("blob is gone");
 * console.assert(error instanceof hi.HitherError);
 * ```
 */
export class ResultLostError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "ResultLostError";
}

/**
 * A file's content is not what it was when `hi.file` looked at it.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, "one");
 * const file = hi.file(path);
 * await Deno.writeTextFile(path, "two");
 * try {
 *   file.text();
 * } catch (error) {
 *   console.assert(error instanceof hi.FileChangedError);
 * }
 * await Deno.remove(path);
 * ```
 */
export class FileChangedError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "FileChangedError";
}

/**
 * There is no such file or folder where `hi.file` or `hi.folder` looks, or it is something
 * else. `cause` holds Deno's error.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * try {
 *   hi.file("no such file");
 * } catch (error) {
 *   console.assert(error instanceof hi.FileNotFoundError);
 * }
 * ```
 */
export class FileNotFoundError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "FileNotFoundError";
}

/**
 * The result of a job was asked for before it had one: `await` the job first.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const f = hi.func("errors_pending", "1", () => Promise.resolve(1));
 * const job = f.run();
 * try {
 *   job.getResult();
 * } catch (error) {
 *   console.assert(error instanceof hi.JobPendingError);
 * }
 * await job;
 * ```
 */
export class JobPendingError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "JobPendingError";
}

/**
 * The job was cancelled. `cause` holds the reason.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const f = hi.func("errors_cancelled", "1", () => new Promise<number>(() => {}));
 * const job = f.run();
 * job.cancel("not needed");
 * try {
 *   await job;
 * } catch (error) {
 *   console.assert(error instanceof hi.JobCancelledError);
 * }
 * ```
 */
export class JobCancelledError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "JobCancelledError";
}

/**
 * The job ran longer than its `timeout`, or a `wait` took longer than its own.
 * {@linkcode JobQueueTimeoutError} is one of these.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const f = hi.func("errors_timeout", "1", () => new Promise<number>(() => {}), { timeout: 10 });
 * try {
 *   await f.run();
 * } catch (error) {
 *   console.assert(error instanceof hi.JobTimeoutError);
 * }
 * ```
 */
export class JobTimeoutError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "JobTimeoutError";
}

/**
 * The job waited in the queue for longer than its `queueTimeout`, and was not started. Each attempt has that time for
 * itself: of a later one the message says which it was, and `cause` is the error of the attempt before it.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const never = hi.func("errors_queue_timeout", "1", (_: number) => new Promise<number>(() => {}));
 * await using jobHandler = new hi.DefaultJobHandler({ concurrency: 1 });
 * const first = never.with({ jobHandler }).run(1);
 * try {
 *   await never.with({ jobHandler, queueTimeout: 10 }).run(2);
 * } catch (error) {
 *   console.assert(error instanceof hi.JobQueueTimeoutError);
 * }
 * first.cancel();
 * ```
 */
export class JobQueueTimeoutError extends JobTimeoutError {
  /** The name of the class, also where the class is not at hand. */
  override name = "JobQueueTimeoutError";
}

/**
 * A job takes more of a resource than there is for it: `limits` against `resources`.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const train = hi.func("errors_resource", "1", () => 1, { limits: { gpu: 2 } });
 * try {
 *   await hi.config({ resources: { gpu: 1 } }, () => train.run());
 * } catch (error) {
 *   console.assert(error instanceof hi.ResourceUnavailableError);
 * }
 * ```
 */
export class ResourceUnavailableError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "ResourceUnavailableError";
}

/**
 * The function has killed its worker again and again, so its jobs are not run any more.
 * A new version of it starts afresh. `cause` holds the last WorkerLostError.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const error = new hi.BadFunctionError("crash 1 has killed its worker 3 times in a row");
 * console.assert(error instanceof hi.HitherError);
 * ```
 */
export class BadFunctionError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "BadFunctionError";
}

/**
 * A job among the arguments failed or was cancelled, so this job was never started.
 * `cause` holds that job's error.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const bad = hi.func("errors_upstream_bad", "1", (): number => {
 *   throw new RangeError("no");
 * });
 * const next = hi.func("errors_upstream_next", "1", (x: number) => x);
 * try {
 *   await next.run(bad.run());
 * } catch (error) {
 *   console.assert(error instanceof hi.UpstreamError);
 *   console.assert((error as Error).cause instanceof RangeError);
 * }
 * ```
 */
export class UpstreamError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "UpstreamError";
}

/**
 * A job waits for itself: its function runs the same function with the same
 * arguments again, directly or through others, which other programs with the
 * same cache may run.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const self: hi.HitherFunction<[number], Promise<number>> = hi.func(
 *   "errors_cycle",
 *   "1",
 *   async (x: number): Promise<number> => await self.run(x),
 * );
 * try {
 *   await self.run(1);
 * } catch (error) {
 *   console.assert(error instanceof hi.CycleError);
 * }
 * ```
 */
export class CycleError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "CycleError";
}

/**
 * The function ended its program or worker (`Deno.exit`, `self.close`) instead of
 * returning.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const error = new hi.JobExitError("the job called Deno.exit(3)");
 * console.assert(error instanceof hi.HitherError);
 * ```
 */
export class JobExitError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "JobExitError";
}

/**
 * Something that the function had started failed outside of it: a timer threw, a promise
 * that nobody awaited was rejected. `cause` holds the error.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const error = new hi.StrayError("a timer threw", { cause: new Error("no") });
 * console.assert(error.cause instanceof Error);
 * ```
 */
export class StrayError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "StrayError";
}

/**
 * A function, or its module, replaced something of the language without which its worker
 * cannot go on, `Array.prototype.push` for instance, by something that does not do the
 * same. The worker has put it back; a replacement that does the same stays.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const error = new hi.ReplacedBuiltinError("it replaced Array.prototype.push");
 * console.assert(error instanceof hi.HitherError);
 * ```
 */
export class ReplacedBuiltinError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "ReplacedBuiltinError";
}

/**
 * The worker that ran the job is gone, or could not be started. A job that had begun is
 * run again first, as often as its `crashRetries` say.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const error = new hi.WorkerLostError("the worker has ended");
 * console.assert(error instanceof hi.HitherError);
 * ```
 */
export class WorkerLostError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "WorkerLostError";
  /**
   * How many jobs may have been the cause: those that had begun in the worker. 1 if
   * the job was alone there, 0 if the worker was lost before it began with any.
   */
  readonly suspects: number;

  /** Makes the error with a message and, if there are any, its cause and the number of suspects. */
  constructor(
    message: string,
    { suspects = 1, ...options }: ErrorOptions & { suspects?: number } = {},
  ) {
    super(message, options);
    this.suspects = suspects;
  }
}

/**
 * The job wanted more memory than it may have: its `memory`, or what Deno gives a
 * process. Its worker is lost with it.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const error = new hi.MemoryLimitError("grow 1 wanted more memory");
 * console.assert(error instanceof hi.WorkerLostError);
 * ```
 */
export class MemoryLimitError extends WorkerLostError {
  /** The name of the class, also where the class is not at hand. */
  override name = "MemoryLimitError";
}

/**
 * The import of the module that holds the function took longer than `importTimeout`.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const error = new hi.ImportTimeoutError("the import has taken 30 s");
 * console.assert(error instanceof hi.ModuleLoadError);
 * ```
 */
export class ImportTimeoutError extends ModuleLoadError {
  /** The name of the class, also where the class is not at hand. */
  override name = "ImportTimeoutError";
}

/**
 * The job handler was disposed before the job could run.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const jobHandler = new hi.DefaultJobHandler();
 * await jobHandler[Symbol.asyncDispose]();
 * const f = hi.func("errors_closed", "1", () => 1);
 * try {
 *   await hi.config({ jobHandler, jobCache: null }, () => f.run());
 * } catch (error) {
 *   console.assert(error instanceof hi.HandlerClosedError);
 * }
 * ```
 */
export class HandlerClosedError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "HandlerClosedError";
}

/**
 * Deno was not given a permission that is needed. The message names the exact flag.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const error = new hi.PermissionNeededError("add --allow-read", "--allow-read");
 * console.assert(error.flag === "--allow-read");
 * ```
 */
export class PermissionNeededError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "PermissionNeededError";
  /** The flag to add, as `--allow-read=/data`. */
  readonly flag: string;

  /** Makes the error with a message, its `flag` and, if there is one, its cause. */
  constructor(message: string, flag: string, options?: ErrorOptions) {
    super(message, options);
    this.flag = flag;
  }
}

/**
 * A job wanted what its `permissions` do not allow: to read a file, to reach a host, to
 * look at a variable of the environment, to start a program. The message says what to declare; `cause`
 * holds Deno's error. Its function may have caught Deno's error, and then there is none.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const declare = { read: ["/data/x.csv"] };
 * const error = new hi.UndeclaredAccessError("load 1 requires read access", declare);
 * console.assert(error instanceof hi.HitherError && error.declare === declare);
 * ```
 */
export class UndeclaredAccessError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "UndeclaredAccessError";
  /** What to add to the job's `permissions`, as `{ read: ["/data/x.csv"] }`. */
  readonly declare: Readonly<Record<string, true | readonly string[]>>;

  /** Makes the error with a message, what is to be declared and, if there is one, its cause. */
  constructor(
    message: string,
    declare: Readonly<Record<string, true | readonly string[]>>,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.declare = declare;
  }
}

/**
 * A job with `permissions` came to a handler that cannot hold it to them, since it calls
 * functions in the program itself. The message names the cure.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const pure = hi.func("sandbox_unavailable_doc", "1", () => 1, { permissions: "none" });
 * await using jobHandler = new hi.DefaultJobHandler();
 * await hi.config({ jobHandler, jobCache: null }, async () => {
 *   try {
 *     await pure.run();
 *   } catch (error) {
 *     console.assert(error instanceof hi.SandboxUnavailableError);
 *   }
 * });
 * ```
 */
export class SandboxUnavailableError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "SandboxUnavailableError";
}

/**
 * The cache folder cannot be used as asked.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const error = new hi.CacheError("the cache is read-only");
 * console.assert(error instanceof hi.HitherError);
 * ```
 */
export class CacheError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "CacheError";
}

/**
 * A job with `code: "auto"` cannot have a key, as the code of its function is not
 * known: an import leads nowhere, or Deno may not look through the imports. The
 * message names the cause and the cure.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const error = new hi.CodeUnknownError("./gone.ts is not there");
 * console.assert(error instanceof hi.HitherError);
 * ```
 */
export class CodeUnknownError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "CodeUnknownError";
}

/**
 * `hi.current()` was called outside of a job.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * try {
 *   hi.current();
 * } catch (error) {
 *   console.assert(error instanceof hi.NoCurrentJobError);
 * }
 * ```
 */
export class NoCurrentJobError extends HitherError {
  /** The name of the class, also where the class is not at hand. */
  override name = "NoCurrentJobError";
}
