/**
 * The `hither` command: looks after cache folders, and explains what a script
 * would compute.
 *
 * ```sh
 * deno install -g -A -n hither jsr:@hither/hither/cli
 * hither --help
 * ```
 *
 * @module
 */

import { run } from "./run.ts";

if (import.meta.main) Deno.exit(await run(Deno.args));
