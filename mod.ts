/**
 * Name a function, give it a version, call `.run()`. It is never computed twice,
 * it runs where you say, and you never wonder whether the result is right.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const square = hi.func("mod_square", "0.1.0", (x: number) => x * x);
 *
 * const jobCache = new hi.JobCache({ path: await Deno.makeTempDir() });
 * await hi.config({ jobCache }, async () => {
 *   const jobs = square.map([1, 2, 3]); // Job<number>[]
 *   await hi.wait();
 *   console.assert(jobs.map((job) => job.getResult()).join() === "1,4,9");
 *   console.assert(await square.run(3) === 9); // from the cache
 * });
 * ```
 *
 * @module
 */

import "./lib/loaded_at_start.ts";

export { JobCache } from "./lib/cache/job_cache.ts";
export type { JobCacheOptions } from "./lib/cache/job_cache.ts";
export type { Keep } from "./lib/cache/limits.ts";
export { generateSigningKey } from "./lib/cache/signing_key.ts";
export type { SigningKeyPair } from "./lib/cache/signing_key.ts";
export type { UpstreamOptions } from "./lib/cache/upstream.ts";
export type { CacheStats, FunctionInfo, KeyPart } from "./lib/cache/record.ts";
export type {
  CollectOptions,
  CollectReport,
  ExportOptions,
  ExportReport,
  ImportOptions,
  ImportReport,
  Pin,
  RecordDescription,
  RecordFilter,
  RecordSummary,
  VerifyReport,
  WorkOptions,
} from "./lib/cache/report.ts";
export { config, setDefaults } from "./lib/config.ts";
export type { Options } from "./lib/config.ts";
export { current } from "./lib/current.ts";
export type { JobContext } from "./lib/current.ts";
export * from "./lib/errors.ts";
export type { Difference, Explanation } from "./lib/explain.ts";
export { file, folder } from "./lib/files.ts";
export { func, run } from "./lib/func.ts";
export type {
  FunctionOptions,
  HitherFunction,
  RunOptions,
} from "./lib/func.ts";
export { DefaultJobHandler } from "./lib/handlers/default.ts";
export type { DefaultJobHandlerOptions } from "./lib/handlers/default.ts";
export { ParallelJobHandler } from "./lib/handlers/parallel.ts";
export type { ParallelJobHandlerOptions } from "./lib/handlers/parallel.ts";
export { Job } from "./lib/job.ts";
export type { JobEvent, JobStatus } from "./lib/job_state.ts";
export { map } from "./lib/map.ts";
export type { MapOptions } from "./lib/map.ts";
export type { PermissionOptions } from "./lib/permissions.ts";
export type { ErrorKind, RetryOptions } from "./lib/retry.ts";
export type { SchedulingOptions } from "./lib/scheduling_options.ts";
export type { JobCounts } from "./lib/scope.ts";
export type {
  CodeReference,
  ConsoleLine,
  JobHandler,
  NestedJob,
  NestedListener,
  NestedRequest,
  NestedResult,
  Outcome,
  PermissionGrant,
  PermissionName,
  Task,
  TaskArguments,
  TaskEvent,
  TaskPermissions,
  Timing,
} from "./lib/task.ts";
export type { Argument, Arguments } from "./lib/types.ts";
export { registerCodec } from "./lib/value/codec.ts";
export type { Codec } from "./lib/value/codec.ts";
export type { EncodedValue, FileContent, Leaf } from "./lib/value/encoded.ts";
export { share } from "./lib/value/share.ts";
export type { Shared } from "./lib/value/share.ts";
export { transfer } from "./lib/value/transfer.ts";
export { FileReference } from "./lib/value/file_reference.ts";
export { FolderReference } from "./lib/value/folder_reference.ts";
export type { FolderEntry } from "./lib/value/folder_reference.ts";
export { wait } from "./lib/wait.ts";
export type { WaitOptions } from "./lib/wait_options.ts";
