import { join } from "@std/path";
import { durationOf, numberOf } from "../../child.ts";
import type { Effort, Question, Row } from "../../question.ts";
import { type Entrant, measure } from "../entrants.ts";
import { commandLine, type Peer, run } from "../peers.ts";

const COUNT = 5_000;
const BYTES = 100_000_000;

/** A cache on disk, as the bench drives it. */
interface Cache {
  readonly name: string;
  readonly peer?: Peer;
  /** The number that the script prints. */
  number(verb: string, folder: string, size: number): number;
  /** From start to exit with one hit, in ms. */
  whole(folder: string): number;
  /** Whether it can keep a large array. */
  readonly large: boolean;
}

const HITHER: Cache = {
  name: "hither",
  large: true,
  number: (verb, folder, size) =>
    verb === "store" || verb === "load"
      ? numberOf("large_result.ts", verb, folder, size)
      : numberOf("jobs.ts", size, size, folder),
  whole: (folder) => durationOf("jobs.ts", 1, COUNT, folder),
};

const CACHES: readonly Cache[] = [
  HITHER,
  cache("diskcache", "python", "diskcache", "diskcache_memoize.py"),
  cache("joblib.Memory", "python", "joblib", "joblib_memory.py"),
  cache("memoize-fs", "node", "memoize-fs", "memoize_fs.mjs", false),
  cache("cacache", "node", "cacache", "cacache.mjs"),
];

/** Caches on disk: misses, hits, a whole process with one hit, a large result. */
export const cacheQuestion: Question = {
  name: "cache",
  measure({ quick, folder }: Effort): Row[] {
    const rounds = quick ? 1 : 5;
    const small = (own: Cache) => join(folder, `${own.name}0`);
    const large = (own: Cache) => join(folder, `${own.name} large`);
    const ask = (
      what: string,
      unit: string,
      number: (own: Cache, round: number) => number,
      among = CACHES,
    ) =>
      measure(
        { what, unit, rounds },
        among.map((own) => entrant(own, (round) => number(own, round))),
        quick,
      );
    const fill = ask("cold miss, computed and stored", "µs", (own, round) => {
      return own.number("fill", join(folder, `${own.name}${round}`), COUNT);
    });
    const hit = ask("warm hit, new process", "µs", (own) => {
      return own.number("hit", small(own), COUNT);
    });
    const whole = ask("whole process with one hit", "ms", (own) => {
      return own.whole(small(own));
    });
    const load = ask(
      "100 MB Float64Array, load",
      "ms",
      (own, round) => {
        if (round === 0) own.number("store", large(own), BYTES);
        return own.number("load", large(own), BYTES);
      },
      CACHES.filter(({ large }) => large),
    );
    return [...hit, ...fill, ...whole, ...load];
  },
};

function entrant(
  { name, peer }: Cache,
  measure: (round: number) => number,
): Entrant {
  if (peer === undefined) return { name, measure };
  return { name, peer, beside: [HITHER.name], measure };
}

function cache(
  name: string,
  runtime: Peer["runtime"],
  packageName: string,
  script: string,
  large = true,
): Cache {
  const call = (...args: unknown[]) =>
    run(commandLine(runtime, `cache/${script}`, args));
  return {
    name,
    peer: { runtime, package: packageName },
    large,
    number: (verb, folder, size) => Number(call(verb, folder, size)),
    whole(folder) {
      const start = performance.now();
      call("hit", folder, 1);
      return performance.now() - start;
    },
  };
}
