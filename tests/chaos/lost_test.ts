import { assertEquals, assertInstanceOf } from "@std/assert";
import * as hi from "../../mod.ts";
import { failureOf, inPool } from "../parallel/pool.ts";
import * as f from "../process/fixtures/functions.ts";
import { childrenOf, makeFifo } from "../process/processes.ts";

const NO_RETRIES = { crashRetries: 0 };

/** How many jobs may have ended a worker, if that is what an error tells. */
function suspectsOf(error: unknown): number | undefined {
  return error instanceof hi.WorkerLostError ? error.suspects : undefined;
}

/** Kills the next process as soon as there is one, before it can be ready. */
async function killUnbegun(): Promise<void> {
  let [pid] = childrenOf();
  while (pid === undefined) {
    await new Promise((resolve) => setTimeout(resolve));
    [pid] = childrenOf();
  }
  Deno.kill(pid, "SIGKILL");
  while (childrenOf().includes(pid)) {
    await new Promise((resolve) => setTimeout(resolve));
  }
}

for (const kills of [1, 3, 4]) {
  Deno.test(
    `a job whose workers are killed ${kills} times before they begin ${
      kills > 3 ? "fails, and nobody is suspected" : "runs in the next one"
    }`,
    () =>
      inPool({ numWorkers: 1, isolation: "process" }, async () => {
        const job = f.add.with(NO_RETRIES).run(kills, 1);
        const settled = job.wait().catch((error) => error);
        for (let i = 0; i < kills; i++) await killUnbegun();
        const result = await settled;
        if (kills <= 3) return assertEquals(result, kills + 1);
        assertInstanceOf(result, hi.WorkerLostError);
        assertEquals(result.suspects, 0);
        assertEquals(await f.add.run(2, 2), 4);
      }),
  );
}

Deno.test("a lost worker's error tells how many jobs may have been the cause", async () => {
  const options = { numWorkers: 1, jobsPerWorker: 2 };
  for (const together of [1, 2]) {
    await using one = await makeFifo();
    await using other = await makeFifo();
    await inPool({ ...options, isolation: "process" }, async () => {
      const fifos = [one, other].slice(0, together);
      const failures = fifos.map(({ path }) =>
        failureOf(f.waits.with(NO_RETRIES).run(path))
      );
      const [pid] = await Promise.all(fifos.map((fifo) => fifo.begin()));
      Deno.kill(Number(pid), "SIGKILL");
      for (const failure of await Promise.all(failures)) {
        assertEquals(suspectsOf(failure), together);
      }
    });
  }
});

Deno.test("a job that was told to stop is suspected as well", async () => {
  await using one = await makeFifo();
  await using other = await makeFifo();
  const options = { numWorkers: 1, jobsPerWorker: 2 };
  await inPool({ ...options, isolation: "process" }, async () => {
    const stopped = f.waits.with(NO_RETRIES).run(one.path);
    const failures = [stopped, f.waits.with(NO_RETRIES).run(other.path)].map(
      (job) => failureOf(job),
    );
    const [pid] = await Promise.all([one.begin(), other.begin()]);
    stopped.cancel("enough");
    Deno.kill(Number(pid), "SIGKILL");
    const [cancelled, lost] = await Promise.all(failures);
    assertInstanceOf(cancelled, hi.JobCancelledError);
    assertEquals(suspectsOf(lost), 2);
  });
});
