/**
 * Puts the project beside other caches on disk, on the same work, in turn, in
 * the same run:
 *
 *     deno task bench:peers [--quick] [--json]
 *
 * The peers are installed at the first run, into `HITHER_PEERS` or a folder for
 * temporary files. `NODE` and `PYTHON` name other interpreters.
 *
 * @module
 */

import { exists } from "@std/fs";
import { fromFileUrl, join } from "@std/path";
import { durationOf, numberOf } from "../child.ts";
import { inTurn, type Row, sampleOf } from "../question.ts";
import { table } from "../table.ts";

const HERE = fromFileUrl(new URL(".", import.meta.url));
const COUNT = 5_000;
const BYTES = 100_000_000;

/** A cache, as the bench drives it. */
interface Contender {
  readonly name: string;
  /** The number that the script prints. */
  number(verb: string, folder: string, size: number): number;
  /** From start to exit with one hit, in ms. */
  whole(folder: string): number;
  /** Whether it can keep a large array. */
  readonly large: boolean;
}

const peers = Deno.env.get("HITHER_PEERS") ??
  join(Deno.env.get("TMPDIR") ?? "/tmp", "hither_peers");
const node = Deno.env.get("NODE") ?? "node";
const python = Deno.env.get("PYTHON") ?? "/usr/bin/python3";

if (!await exists(join(peers, "ready"))) {
  console.error(`installing the peers into ${peers} …`);
  run(join(HERE, "setup.sh"), [peers], {});
}

const contenders: Contender[] = [
  hither(),
  peer("diskcache", python, "diskcache_memoize.py", true),
  peer("joblib.Memory", python, "joblib_memory.py", true),
  peer("memoize-fs", node, "memoize_fs.mjs", false),
  peer("cacache", node, "cacache.mjs", true),
];

const quick = Deno.args.includes("--quick");
const rounds = quick ? 1 : 5;
const folder = await Deno.makeTempDir({ prefix: "hither_bench_" });
try {
  const rows = measure();
  console.log(
    Deno.args.includes("--json")
      ? JSON.stringify(rows, null, 2)
      : table(rows, "beside"),
  );
} finally {
  await Deno.remove(folder, { recursive: true });
}

function measure(): Row[] {
  const rows: Row[] = [];
  const fill = each("cold miss, computed and stored", "µs", (own, round) => {
    const target = join(folder, `${own.name}${round}`);
    return own.number("fill", target, COUNT);
  });
  const hit = each("warm hit, new process", "µs", (own) => {
    return own.number("hit", join(folder, `${own.name}0`), COUNT);
  });
  const whole = each("whole process with one hit", "ms", (own) => {
    return own.whole(join(folder, `${own.name}0`));
  });
  const large = contenders.filter(({ large }) => large);
  for (const own of large) {
    own.number("store", join(folder, `${own.name} large`), BYTES);
  }
  const load = each("100 MB Float64Array, load", "ms", (own) => {
    return own.number("load", join(folder, `${own.name} large`), BYTES);
  }, large);
  rows.push(...hit, ...fill, ...whole, ...load);
  return rows;
}

function each(
  what: string,
  unit: string,
  number: (contender: Contender, round: number) => number,
  among: readonly Contender[] = contenders,
): Row[] {
  console.error(`measuring ${what} …`);
  const samples = inTurn(
    rounds,
    Object.fromEntries(among.map((contender) => {
      let round = 0;
      return [contender.name, () => number(contender, round++)];
    })),
  );
  const ours = samples["hither"] ?? sampleOf([NaN]);
  return among.map(({ name }) => ({
    name: `${what}: ${name}`,
    unit,
    measured: samples[name]!,
    ...(name === "hither" ? {} : { limit: { name: "hither", ...ours } }),
  }));
}

function hither(): Contender {
  return {
    name: "hither",
    large: true,
    number: (verb, folder, size) =>
      verb === "store" || verb === "load"
        ? numberOf("large_result.ts", verb, folder, size)
        : numberOf("jobs.ts", size, size, folder),
    whole: (folder) => durationOf("jobs.ts", 1, COUNT, folder),
  };
}

function peer(
  name: string,
  interpreter: string,
  script: string,
  large: boolean,
): Contender {
  const env = environment();
  const call = (...args: unknown[]) =>
    run(interpreter, [join(HERE, script), ...args.map(String)], env);
  return {
    name,
    large,
    number: (verb, folder, size) => Number(call(verb, folder, size)),
    whole(folder) {
      const start = performance.now();
      call("hit", folder, 1);
      return performance.now() - start;
    },
  };
}

/** Where the interpreters find what `setup.sh` unpacked. */
function environment(): Record<string, string> {
  const usr = join(peers, "debian/usr");
  const libraries = [...Deno.readDirSync(join(usr, "lib"))]
    .filter(({ name }) => name.endsWith("-linux-gnu"))
    .flatMap(({ name }) =>
      ["", "blas", "lapack"].map((sub) => join(usr, "lib", name, sub))
    );
  return {
    HITHER_PEERS: peers,
    PYTHONPATH: join(usr, "lib/python3/dist-packages"),
    LD_LIBRARY_PATH: libraries.join(":"),
    PYTHONDONTWRITEBYTECODE: "1",
  };
}

function run(
  command: string,
  args: string[],
  env: Record<string, string>,
): string {
  const { success, stdout, stderr } = new Deno.Command(command, { args, env })
    .outputSync();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(
    `${command} ${args.join(" ")} failed: ${decoder.decode(stderr)}`,
  );
}
