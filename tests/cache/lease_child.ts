/**
 * A program of its own that claims keys, for the tests.
 *
 * `obey LAYOUT PATH` does what each line of stdin says, and answers each with a line.
 * `storm LAYOUT PATH LOG COUNT MS` computes all keys that nobody else does.
 */

import type { Lease } from "../../lib/cache/lease.ts";
import { TextLineStream } from "./lines.ts";
import { type Layout, type LeasedCache, openLeased } from "./lease_support.ts";
import { keyOf, seeded } from "./support.ts";

/** Holds up the event loop. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

async function obey(cache: LeasedCache): Promise<void> {
  const { leases } = cache;
  const granted = new Map<number, Lease>();
  const lines = Deno.stdin.readable
    .pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  for await (const line of lines) {
    const [verb, argument = ""] = line.split(" ");
    const n = Number(argument);
    const lease = granted.get(n);
    switch (verb) {
      case "claim": {
        const claim = leases.claim(keyOf(n));
        if (claim.kind === "granted") granted.set(n, claim.lease);
        console.log(claim.kind);
        break;
      }
      case "store":
        await cache.store(n, lease!);
        console.log("stored");
        break;
      case "release":
        leases.release(lease!);
        console.log("released");
        break;
      case "changed":
        await leases.changed(keyOf(n), new AbortController().signal);
        console.log("changed");
        break;
      case "block":
        console.log("blocked");
        block(n);
        break;
      // Ends without giving anything back.
      case "leave":
        return console.log("left");
    }
  }
}

async function storm(
  cache: LeasedCache,
  log: string,
  count: number,
  ms: number,
): Promise<void> {
  const random = seeded(Deno.pid);
  const todo = Array.from({ length: count }, (_, n) => n)
    .sort(() => random() - 0.5);
  const note = (line: string) =>
    Deno.writeTextFileSync(log, line + "\n", { append: true });
  const { signal } = new AbortController();
  // Awaits all that others compute at once, and computes one at a time.
  const waiting = new Set<Promise<void>>();
  while (todo.length > 0 || waiting.size > 0) {
    const n = todo.pop();
    if (n === undefined) {
      await Promise.race(waiting);
      continue;
    }
    if (cache.isStored(n)) continue;
    const claim = cache.leases.claim(keyOf(n));
    if (claim.kind === "none") throw new Error("no leases");
    if (claim.kind === "granted") {
      note(`begin ${n} ${Deno.pid}`);
      // Some hold up the event loop, as synchronous jobs do.
      if (n % 3 === 0) block(ms);
      else await new Promise((resolve) => setTimeout(resolve, ms));
      note(`end ${n} ${Deno.pid}`);
      await cache.store(n, claim.lease);
    } else {
      const again = cache.leases.changed(keyOf(n), signal).then(() => {
        todo.push(n);
        waiting.delete(again);
      });
      waiting.add(again);
    }
  }
  console.log("done");
}

const [task = "", layout = "", path = "", log = "", count = "", ms = ""] =
  Deno.args;
const cache = openLeased(layout as Layout, path);
if (task === "obey") await obey(cache);
else {
  await storm(cache, log, Number(count), Number(ms));
  cache[Symbol.dispose]();
}
