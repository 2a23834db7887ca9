/**
 * Runs a command that says "ready" on stdout and goes on when it gets a line on
 * stdin. Prints by how many MB the memory of its processes was larger at most
 * after that than at that moment:
 *
 *     deno run -A memory.ts COMMAND [ARGUMENT...]
 *
 * It is the proportional set size, in which a page that several processes share
 * counts once, as Linux tells it, every few milliseconds.
 */

const INTERVAL = 20;

const [command = "", ...args] = Deno.args;
const child = new Deno.Command(command, {
  args,
  stdin: "piped",
  stdout: "piped",
}).spawn();

const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
let said = "";
while (!said.includes("ready\n")) {
  const { done, value } = await output.read();
  if (done) throw new Error(`${command} ${args.join(" ")} ended with ${said}`);
  said += value;
}
const before = bytesOf(child.pid);
let most = before;
const timer = setInterval(() => {
  most = Math.max(most, bytesOf(child.pid));
}, INTERVAL);

const writer = child.stdin.getWriter();
await writer.write(new TextEncoder().encode("go\n"));
await writer.close();
while (!(await output.read()).done);
clearInterval(timer);
const { success, code } = await child.status;
if (!success) {
  throw new Error(`${command} ${args.join(" ")} ended with code ${code}`);
}
console.log((most - before) / 1e6);

/** Of a process and all that it started. */
function bytesOf(pid: number): number {
  const rollup = textOf(`/proc/${pid}/smaps_rollup`);
  const kibibytes = Number(/^Pss: +(\d+) kB$/m.exec(rollup)?.[1] ?? 0);
  return kibibytes * 1_024 + childrenOf(pid).reduce(
    (sum, child) => sum + bytesOf(child),
    0,
  );
}

/** What any of its threads started. */
function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((thread) =>
    textOf(`/proc/${pid}/task/${thread}/children`).split(" ")
      .filter((word) => word !== "").map(Number)
  );
}

function threadsOf(pid: number): string[] {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => name);
  } catch (error) {
    return orEnded(error, []);
  }
}

function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    return orEnded(error, "");
  }
}

/** A process may end while it is looked at. */
function orEnded<T>(error: unknown, otherwise: T): T {
  if (error instanceof Deno.errors.NotFound) return otherwise;
  // ESRCH has no class of its own.
  if (error instanceof Error && error.message.includes("os error 3")) {
    return otherwise;
  }
  throw error;
}
