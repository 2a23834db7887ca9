/**
 * Names the modules that hither loads by itself when a program needs them, those of workers
 * above all. Deno does not find them when it reads what a program imports, and fetches each
 * when it is loaded for the first time. Where there is no network by then, in a container for
 * instance, fetch them beforehand, with the flags that the program runs with:
 *
 * ```sh
 * deno cache main.ts jsr:@hither/hither/offline
 * ```
 *
 * A program may also import this module, which loads none of them and exports nothing.
 *
 * @example
 * ```ts
 * import "@hither/hither/offline";
 * ```
 *
 * @module
 */

// Never called: what stands here by name is fetched.
void [
  () => import("./code/free_variables.ts"),
  () => import("./handlers/parallel/pool.ts"),
  () => import("./worker/process_entry.ts"),
  () => import("./worker/process_worker.ts"),
  () => import("./worker/web_worker.ts"),
];
