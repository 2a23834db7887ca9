/** What the pools are asked, and what the project promises. */

import { fromFileUrl } from "@std/path";
import type { Effort, Question, Row } from "../../question.ts";
import { type Asked, type Entrant, measure } from "../entrants.ts";
import { run } from "../peers.ts";
import {
  bare,
  bareBatches,
  bareBlockingPipe,
  bareCopied,
  bareMoved,
  barePipe,
  bareShared,
  dask,
  hither,
  hitherMap,
  hitherMoved,
  hitherProcess,
  hitherProcessMap,
  hitherProcessShared,
  hitherShared,
  joblib,
  piscina,
  type Pool,
  poolifier,
  processPool,
  tinypool,
  workerpool,
} from "./pools.ts";

const BYTES = 100_000_000;

/** The project's own, with the raw limit beside which it is put. */
interface Own {
  readonly pool: Pool;
  readonly limit?: Pool;
  readonly promised?: string;
}

interface Contest extends Asked {
  readonly limits: readonly Pool[];
  readonly own: readonly Own[];
  readonly peers: readonly Pool[];
  /** Does the work once. */
  number(pool: Pool): number;
}

const dispatch: Contest = {
  what: "20,000 trivial jobs at once, 2 workers, each",
  unit: "µs",
  rounds: 5,
  limits: [bare, bareBatches],
  own: [
    { pool: hither, limit: bare, promised: "at most 8 µs, ahead of peers" },
    {
      pool: hitherMap,
      limit: bareBatches,
      promised: "at most 3 µs, ahead of peers",
    },
    { pool: hitherProcess },
    { pool: hitherProcessMap },
  ],
  peers: [
    piscina(),
    tinypool(),
    workerpool(),
    poolifier(),
    joblib(),
    joblib("one by one", "one by one"),
    processPool(),
    processPool("chunks of 1,000", "chunks"),
    dask(),
  ],
  number: (pool) => numberOf(pool, "dispatch", 20_000),
};

const sequential: Contest = {
  what: "one trivial job after the other, each",
  unit: "µs",
  rounds: 5,
  limits: [bare, barePipe, bareBlockingPipe],
  own: [
    { pool: hither, limit: bare, promised: "at most 1.5 ×" },
    { pool: hitherProcess, limit: barePipe, promised: "at most 1.5 ×" },
  ],
  peers: [
    piscina(),
    tinypool(),
    workerpool(),
    poolifier(),
    joblib(),
    processPool(),
    dask(),
  ],
  // Python starts no compiler after the thousandth call, and dask takes 10 ms for each.
  number: (pool) =>
    numberOf(
      pool,
      "sequential",
      pool.peer?.runtime === "python" ? 200 : 2_000,
    ),
};

const cpu: Contest = {
  what: "64 × 50 ms of computing, 2 workers, speed-up",
  unit: "×",
  rounds: 5,
  moreIsBetter: true,
  limits: [bare],
  own: [
    { pool: hither, limit: bare, promised: "at least 1.95 × serial" },
    { pool: hitherProcess },
  ],
  peers: [
    piscina(),
    tinypool(),
    workerpool(),
    poolifier("own queue", "queue"),
    joblib(),
    processPool(),
    dask(),
  ],
  number: (pool) => numberOf(pool, "cpu", 64),
};

const transfer: Contest = {
  what: "100 MB Float64Array there, another back",
  unit: "ms",
  rounds: 5,
  limits: [bareMoved, bareCopied],
  own: [
    { pool: hitherMoved, limit: bareMoved, promised: "at most 1.3 ×" },
    { pool: hither, limit: bareCopied },
    { pool: hitherProcess },
  ],
  peers: [
    piscina(),
    piscina("given away", "moved"),
    tinypool(),
    tinypool("given away", "moved"),
    workerpool(),
    workerpool("given away", "moved"),
    poolifier(),
    poolifier("given away", "moved"),
    joblib(),
    processPool(),
    dask("scattered"),
  ],
  number: (pool) => numberOf(pool, "transfer", BYTES),
};

const start: Contest = {
  what: "8 × 1 s on 4 workers, whole process",
  unit: "ms",
  rounds: 3,
  limits: [bare],
  own: [{ pool: hither, limit: bare }, { pool: hitherProcess }],
  peers: [
    piscina(),
    tinypool(),
    workerpool(),
    poolifier("own queue", "queue"),
    joblib(),
    processPool(),
    dask(),
  ],
  number(pool) {
    const start = performance.now();
    run(pool.command("naps", [8]));
    return performance.now() - start;
  },
};

const shared = {
  rounds: 3,
  limits: [bareShared],
  peers: [
    piscina(),
    tinypool(),
    workerpool(),
    poolifier("own queue", "queue"),
    joblib(),
    processPool(),
    dask("scattered"),
  ],
};

const sharedTime: Contest = {
  ...shared,
  what: "64 jobs with the same 100 MB, 2 workers, all",
  unit: "ms",
  own: [
    { pool: hither, limit: bareShared },
    { pool: hitherShared, limit: bareShared },
    { pool: hitherProcess },
    { pool: hitherProcessShared },
  ],
  number: (pool) => numberOf(pool, "shared", 64, BYTES),
};

const sharedMemory: Contest = {
  ...shared,
  what: "64 jobs with the same 100 MB, memory for each of 2 workers",
  unit: "MB",
  own: [
    { pool: hither, limit: bareShared },
    { pool: hitherShared, limit: bareShared, promised: "at most 130 MB" },
    { pool: hitherProcess, promised: "at most 130 MB" },
    { pool: hitherProcessShared },
  ],
  number: (pool) => {
    const [command, ...args] = pool.command("memory", [64, BYTES]);
    const growth = Number(run([
      Deno.execPath(),
      "run",
      "-A",
      "-q",
      "--no-config",
      fromFileUrl(new URL("memory.ts", import.meta.url)),
      command!,
      ...args,
    ]));
    return growth / 2;
  },
};

/** Pools of workers, beside each other and the raw limits. */
export const poolQuestions: readonly Question[] = [
  question("pool/dispatch", dispatch),
  question("pool/sequential", sequential),
  question("pool/cpu", cpu),
  question("pool/transfer", transfer),
  question("pool/start", start),
  // Only Linux tells what several processes share.
  question(
    "pool/shared",
    sharedTime,
    ...(Deno.build.os === "linux" ? [sharedMemory] : []),
  ),
];

function question(name: string, ...contests: Contest[]): Question {
  return {
    name,
    measure: ({ quick }: Effort): Row[] =>
      contests.flatMap((contest) => {
        const asked = quick ? { ...contest, rounds: 1 } : contest;
        return measure(asked, entrantsOf(contest), quick);
      }),
  };
}

/** The project beside the raw limits, and the peers beside the project, processes beside processes. */
function entrantsOf({ limits, own, peers, number }: Contest): Entrant[] {
  return [
    ...limits.map((pool) => entrant(pool, [])),
    ...own.filter(({ pool }) => pool.exists()).map((
      { pool, limit, promised },
    ) => ({
      ...entrant(pool, [limit ?? hither]),
      ...(promised === undefined ? {} : { promised }),
    })),
    ...peers.map((pool) =>
      entrant(
        pool,
        pool.peer?.runtime === "python" ? [hitherProcess, hither] : [hither],
      )
    ),
  ];

  function entrant(pool: Pool, beside: readonly Pool[]): Entrant {
    return {
      name: pool.name,
      ...(pool.peer === undefined ? {} : { peer: pool.peer }),
      beside: beside.map(({ name }) => name),
      measure: () => number(pool),
    };
  }
}

function numberOf(pool: Pool, verb: string, ...numbers: number[]): number {
  const said = run(pool.command(verb, numbers)).trim();
  const number = Number(said);
  if (said !== "" && Number.isFinite(number)) return number;
  throw new Error(`${pool.name} ended with ${said} instead of a number`);
}
