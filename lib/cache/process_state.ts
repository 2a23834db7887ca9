/**
 * What Linux tells about a process of this machine in `/proc/PID/stat`. Deno shows
 * that to programs with all permissions only; elsewhere nothing is known.
 *
 * @module
 */

/** The place of a field after the name, which ends with the last `)` and may hold anything. */
const STATE = 0, START_TIME = 19;

/** When a process began, in ticks since the machine did: it tells processes with one pid apart. */
export function startTime(pid: number): string | undefined {
  return fieldsOf(pid)?.[START_TIME];
}

/** Whether a process is known to be stopped (SIGSTOP, a debugger). */
export function isStopped(pid: number, startTime: string): boolean {
  const fields = fieldsOf(pid);
  return fields !== undefined && fields[START_TIME] === startTime &&
    (fields[STATE] === "T" || fields[STATE] === "t");
}

function fieldsOf(pid: number): string[] | undefined {
  if (Deno.build.os !== "linux") return undefined;
  // Asked, so that nothing is prompted for.
  const { state } = Deno.permissions.querySync({ name: "read" });
  if (state !== "granted") return undefined;
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
