// Several programs with one cache run each job once, whatever becomes of them.
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import * as hi from "../../mod.ts";
import { stdArguments, temporaryFolder } from "../house/run.ts";

/** Whether to tell what was counted. */
const SHOW = Deno.env.get("HITHER_TEST_FULL") === "1";

const CHILD = fromFileUrl(new URL("storm_child.ts", import.meta.url));

interface Storm {
  readonly cache: hi.JobCacheOptions;
  readonly log: string;
  readonly jobs: number;
  readonly ms: number;
  readonly workers: number;
}

interface Child {
  readonly process: Deno.ChildProcess;
  /** The results, or how it ended if it was not as it should be. */
  readonly end: Promise<string>;
}

function spawn({ cache, log, jobs, ms, workers }: Storm): Child {
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "-q",
      ...stdArguments(),
      CHILD,
      JSON.stringify(cache),
      log,
      ...[jobs, ms, workers].map(String),
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  return { process, end: endOf(process) };
}

async function endOf(process: Deno.ChildProcess): Promise<string> {
  const { code, signal, stdout, stderr } = await process.output();
  if (signal !== null) return signal;
  const decoder = new TextDecoder();
  const said = decoder.decode(stderr);
  return code === 0 && said === ""
    ? decoder.decode(stdout).trim()
    : `ended with ${code}: ${said}`;
}

/** What the log tells: how many executions there were, and which overlapped while both processes lived. */
function judge(log: string): { executions: number; overlaps: string[] } {
  let executions = 0;
  const overlaps: string[] = [];
  const running = new Map<string, string>();
  const killed = new Set<string>();
  for (const line of Deno.readTextFileSync(log).trimEnd().split("\n")) {
    const [what, job = "", pid = ""] = line.split(" ");
    if (what === "begin") {
      executions++;
      // Begun between the note and the blow.
      if (killed.has(pid)) continue;
      if (running.has(job)) overlaps.push(`${line} beside ${running.get(job)}`);
      running.set(job, pid);
    } else if (what === "end") {
      if (running.get(job) === pid) running.delete(job);
    } else {
      // A process is about to be killed: what it runs counts no longer.
      killed.add(job);
      for (const [other, owner] of running) {
        if (owner === job) running.delete(other);
      }
    }
  }
  return { executions, overlaps };
}

async function rest(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

for (const layout of ["sqlite", "files"] as const) {
  Deno.test(`A result is stored before the next job of the process begins (${layout})`, async () => {
    await using folder = await temporaryFolder();
    await using jobCache = new hi.JobCache({ path: folder.path, layout });
    const stored: number[] = [];
    const count = hi.func(`stored_before_${layout}`, "1", (length: number) => {
      stored.push([...jobCache.records()].length);
      return new Uint8Array(length);
    });
    // The large ones are written in the background, while no function runs.
    const lengths = [1, 100_000, 2, 200_000, 300_000, 3];
    await hi.config({ jobCache }, () => Promise.all(count.map(lengths)));
    assertEquals(stored, [0, 1, 2, 3, 4, 5]);
  });
}

for (const layout of ["sqlite", "files"] as const) {
  for (const workers of [0, 2]) {
    const where = workers === 0 ? "in their own threads" : "on workers";
    Deno.test(`8 processes, killed at random, run 200 jobs once each, ${where} (${layout})`, async () => {
      await using folder = await temporaryFolder();
      const storm: Storm = {
        cache: { path: `${folder.path}/cache`, layout },
        log: `${folder.path}/log`,
        jobs: 200,
        ms: 10,
        workers,
      };
      const expected = JSON.stringify(
        Array.from({ length: storm.jobs }, (_, n) => n * n),
      );
      Deno.writeTextFileSync(storm.log, "");
      const children = Array.from({ length: 8 }, () => spawn(storm));
      const ends = children.map(({ end }) => end);
      let kills = 0;
      for (let round = 0; round < 12; round++) {
        await rest(80 + 80 * Math.random());
        const index = Math.floor(Math.random() * children.length);
        const { process } = children[index]!;
        Deno.writeTextFileSync(storm.log, `kill ${process.pid}\n`, {
          append: true,
        });
        try {
          process.kill("SIGKILL");
        } catch {
          // It has ended.
          continue;
        }
        if (await children[index]!.end === "SIGKILL") kills++;
        children[index] = spawn(storm);
        ends.push(children[index]!.end);
      }
      for (const end of await Promise.all(ends)) {
        if (end !== "SIGKILL") assertEquals(end, expected);
      }
      const { executions, overlaps } = judge(storm.log);
      if (SHOW) console.log(`${executions} executions, ${kills} kills`);
      assertEquals(overlaps, []);
      assert(kills > 2, `only ${kills} processes could be killed`);
      // A killed process leaves what it was running: a result is stored before the
      // next job begins, but for a large one, which is on its way to the disk for a moment.
      const most = storm.jobs + kills * Math.max(1, workers);
      assert(
        executions >= storm.jobs && executions <= most,
        `${executions} executions, ${kills} kills`,
      );
      await using jobCache = new hi.JobCache(storm.cache);
      const { badRecords, missingBlobs, records } = await jobCache.verify();
      assertEquals([badRecords, missingBlobs, records], [0, 0, storm.jobs]);
    });
  }
}
