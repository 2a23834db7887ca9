/**
 * Programs that are killed while they use a cache, and while others collect garbage
 * in it. HITHER_TEST_KILLS says how many are killed for each layout: 40 by default,
 * 1000 take some minutes.
 */

import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import * as hi from "../../mod.ts";
import type { Layout } from "../../lib/cache/folder.ts";
import { programArguments, temporaryFolder } from "../house/run.ts";
import { expected, type Kind, make, textOf } from "./kills_jobs.ts";
import { TextLineStream } from "./lines.ts";
import { testBoth } from "./support.ts";

const CHILD = fromFileUrl(new URL("kills_child.ts", import.meta.url));

const KILLS = Number(Deno.env.get("HITHER_TEST_KILLS") ?? 40);

/** Different jobs. */
const KEYS = 400;

/** Programs at once that run jobs, of which one lives long enough to take over the leases of the dead. */
const PROGRAMS = 4;

/** How long a program is let alone after its start, in ms. */
const LIFE = { short: [0, 500], long: [4_000, 8_000] } as const;

/** Every so often all is still, and the cache is looked through. */
const LOOK_EVERY = 50;

/** How long `gc` spares what nobody names, in ms: longer than a store takes. */
const GRACE = 5_000;

/** A blob may go between a look at its record and a look at it. */
const HARMLESS = /^hither: .* is gone: its job is run again$/;

/** Runs a program until it is killed; what it should not have said. */
async function runAndKill(args: string[], life: number): Promise<string[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: programArguments(CHILD, ...args),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const said: string[] = [];
  const listen = async (stream: ReadableStream<Uint8Array>) => {
    const lines = stream.pipeThrough(new TextDecoderStream() as never)
      .pipeThrough(new TextLineStream());
    for await (const line of lines) said.push(line);
  };
  const listening = [listen(child.stdout), listen(child.stderr)];
  const timer = setTimeout(() => child.kill("SIGKILL"), life);
  const { signal, code } = await child.status;
  clearTimeout(timer);
  await Promise.all(listening);
  if (signal !== "SIGKILL") said.push(`ended with ${code}`);
  return said.filter((line) => line !== "ready" && !HARMLESS.test(line));
}

function between([from, to]: readonly [number, number]): number {
  return from + (to - from) * Math.random();
}

/** Reads all that is there with nobody about: nothing may be damaged, lost or wrong. */
async function lookThrough(
  path: string,
  files: string,
  layout: Layout,
): Promise<number> {
  await using jobCache = new hi.JobCache({ path, layout });
  const { badRecords, badBlobs, missingBlobs } = await jobCache.verify();
  assertEquals({ badRecords, badBlobs, missingBlobs }, {
    badRecords: 0,
    badBlobs: 0,
    missingBlobs: 0,
  });
  const stored = [...jobCache.records()];
  await hi.config({ jobCache }, async () => {
    for (const { fn, preview } of stored) {
      const kind = fn.name.replace("kills_", "") as Kind;
      const n = Number.parseInt(preview);
      const job = make[kind].run(n, files);
      assertEquals(textOf(await job), expected(kind, n));
      assertEquals([job.cached, kind, n], [true, kind, n]);
    }
  });
  return stored.length;
}

testBoth(
  "Programs that are killed at any moment, beside others that collect garbage, leave no wrong value and lose no blob",
  async (layout) => {
    await using folder = await temporaryFolder({ "files/.keep": "" });
    const path = `${folder.path}/cache`;
    const files = `${folder.path}/files`;
    const unlimited = JSON.stringify({ path, layout });
    // About half of what there would be.
    const limited = JSON.stringify({ path, layout, maxSize: 2_000_000 });
    const bad: string[] = [];
    let killed = 0, seen = 0;
    while (killed < KILLS) {
      const last = Math.min(killed + LOOK_EVERY, KILLS);
      const go = async (isLong: boolean) => {
        while (killed < last) {
          const seed = killed++;
          const options = seed % 2 === 0 ? limited : unlimited;
          const life = 150 + between(isLong ? LIFE.long : LIFE.short);
          bad.push(
            ...await runAndKill(
              ["run", options, files, `${KEYS}`, `${seed}`],
              life,
            ),
          );
        }
      };
      let isOver = false;
      const collect = async () => {
        while (!isOver) {
          bad.push(
            ...await runAndKill(
              ["gc", limited, `${GRACE}`],
              150 + between([0, 3_000]),
            ),
          );
        }
      };
      const collecting = collect();
      await Promise.all(
        Array.from({ length: PROGRAMS }, (_, i) => go(i === 0)),
      );
      isOver = true;
      await collecting;
      assertEquals(bad, []);
      seen += await lookThrough(path, files, layout);
    }
    if (KILLS > 40) console.log(`${killed} killed, ${seen} records looked at`);
  },
);
