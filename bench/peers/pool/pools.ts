/** The pools that are measured, and how their scripts are started. */

import { argsOf, runDenoSync } from "../../child.ts";
import { commandLine, type Peer, type Runtime } from "../peers.ts";

/** A pool, used in one way. */
export interface Pool {
  readonly name: string;
  readonly peer?: Peer;
  /** Whether there is such a pool; the project may not have all of them. */
  exists(): boolean;
  /** The command line for some work, such as `dispatch` and 20,000. */
  command(verb: string, numbers: readonly number[]): string[];
}

const HITHER = "../peers/pool/hither.ts";

let variants: string[] | undefined;

/** The project; its variants are those of hither.ts. */
function project(name: string, variant: string): Pool {
  return {
    name,
    exists() {
      variants ??= JSON.parse(
        runDenoSync(argsOf(HITHER, ["variants"])),
      ) as string[];
      return variants.includes(variant);
    },
    command: (verb, numbers) => [
      Deno.execPath(),
      ...argsOf(HITHER, [verb, variant, ...numbers]),
    ],
  };
}

/** A script in this folder. */
function script(
  name: string,
  runtime: Runtime,
  file: string,
  variant: string,
): Pool {
  return {
    name,
    exists: () => true,
    command: (verb, numbers) =>
      commandLine(runtime, `pool/${file}`, [verb, variant, ...numbers]),
  };
}

/** A raw limit; its variants are those of limit.ts. */
function limit(name: string, variant: string): Pool {
  return script(name, "deno", "limit.ts", variant);
}

function peer(
  runtime: Runtime,
  packageName: string,
  name: string,
  file: string,
): (way?: string, variant?: string) => Pool {
  return (way, variant = "plain") => ({
    ...script(
      way === undefined ? name : `${name}, ${way}`,
      runtime,
      file,
      variant,
    ),
    peer: { runtime, package: packageName },
  });
}

export const hither = project("hither", "plain");
export const hitherMoved = project("hither, given away", "moved");
export const hitherShared = project("hither, hi.share", "shared");
export const hitherMap = project("hither, hi.map", "plain map");
export const hitherProcess = project("hither, processes", "process");
export const hitherProcessShared = project(
  "hither, hi.share, processes",
  "process shared",
);
export const hitherProcessMap = project(
  "hither, hi.map, processes",
  "process map",
);

export const bare = limit("bare postMessage", "plain");
export const bareBatches = limit(
  "bare postMessage, batches of 100",
  "batches",
);
export const barePipe = limit("bare pipes to a process", "pipe");
export const bareBlockingPipe = limit(
  "bare pipes to a process that blocks",
  "blocking pipe",
);
export const bareMoved = limit("bare postMessage, given away", "moved");
export const bareCopied = limit("bare postMessage of one copy", "one copy");
export const bareShared = limit("bare postMessage, shared by hand", "shared");

export const piscina = peer("node", "piscina", "Piscina", "piscina.mjs");
export const tinypool = peer("node", "tinypool", "tinypool", "tinypool.mjs");
export const workerpool = peer(
  "node",
  "workerpool",
  "workerpool",
  "workerpool.mjs",
);
export const poolifier = peer(
  "deno",
  "poolifier-web-worker",
  "poolifier-web-worker",
  "poolifier_web_worker.mjs",
);
export const joblib = peer(
  "python",
  "joblib",
  "joblib (loky)",
  "joblib_loky.py",
);
export const processPool = peer(
  "python",
  "concurrent.futures",
  "ProcessPoolExecutor",
  "process_pool_executor.py",
);
export const dask = peer(
  "python",
  "distributed",
  "dask.distributed",
  "dask_distributed.py",
);
