/** What Linux says of the memory of this process: `VmRSS` now, `VmHWM` at most so far, in MB. */
export function megabytes(name: "VmRSS" | "VmHWM"): number {
  const status = Deno.readTextFileSync("/proc/self/status");
  const kib = new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1];
  return Number(kib) * 1_024 / 1e6;
}
