/**
 * A limit to the memory of a process that runs jobs, kept by the system.
 *
 * V8 keeps a limit for the objects of JavaScript, and none for binary data. On
 * Linux the system keeps one for all memory of a process that can be written to
 * (RLIMIT_DATA, see setrlimit(2)). It counts what V8 has only reserved as well,
 * some hundred MB, so it is set when the process has begun: to what it has then,
 * `memory` and {@linkcode SLACK} more. Without the latter V8 would come to that limit
 * when it collects garbage, and try for seconds, before it comes to its own.
 *
 * @module
 */

import { errorText } from "../../error_text.ts";
import { mayRun } from "./process_launch.ts";

/** What V8 may need to collect garbage, in bytes. */
const SLACK = 128 * 2 ** 20;

/** Reads how much it is now, in KiB, and sets the limit. */
const SET_LIMIT = `
while read -r key value _; do
  [ "$key" = VmData: ] && exec prlimit --pid "$1" --data=$((value * 1024 + $2))
done < "/proc/$1/status"
exit 1`;

/** Lets a process take `memory` bytes more than it has; returns why not, if it cannot be done. */
export async function limitMemory(
  pid: number,
  memory: number,
): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "this works on Linux only";
  if (!mayRun("sh")) return "run Deno with --allow-run=sh as well";
  try {
    const { success, stderr } = await new Deno.Command("sh", {
      args: [
        "-c",
        SET_LIMIT,
        "sh",
        String(pid),
        String(Math.ceil(memory) + SLACK),
      ],
      stdin: "null",
    }).output();
    if (success) return undefined;
    return new TextDecoder().decode(stderr).trim() || "prlimit has failed";
  } catch (error) {
    return errorText(error);
  }
}
