/**
 * What can go wrong in a job, and what must come of it: the table of
 * `docs/reliability.md`, from which the tests are made.
 */

import { fromFileUrl } from "@std/path";
import type * as hi from "../../mod.ts";
import * as f from "./fixtures/functions.ts";

/** Where the job runs: in a web worker, in a process, or in the program itself (`DefaultJobHandler`). */
export type Place = "worker" | "process" | "program";

export const PLACES: readonly Place[] = ["worker", "process", "program"];

/** What a failing job is given. */
export interface Scene {
  /** Where it notes when that happens which is to be noticed. */
  readonly cause: string;
  /** A folder of its own. */
  readonly folder: string;
  /** How much of it: less in an ordinary run than in a full one. */
  readonly full: boolean;
  /** Of a server that takes connections and never says a word. */
  readonly silent: string;
}

/** What must come of a failure in one place. */
export interface Cell {
  /** The class of the error; `undefined` if there is none. */
  readonly error?: string;
  /** What its message contains; without an error, what the program's standard error contains. */
  readonly says?: readonly string[];
  /** When it is noticed. */
  readonly noticed: "at once" | "at its limit" | "in seconds" | "–";
  /** How the program itself ends, if that is what comes of it. */
  readonly ends?: { readonly code: number } | {
    readonly signal: readonly Deno.Signal[];
  };
  /** Only a process keeps the whole promise. */
  readonly processOnly?: true;
  /** Whether its thread goes on computing until the program ends. */
  readonly givenUp?: true;
  /** Whether no other job can run either. */
  readonly noneRuns?: true;
  /** A word more for the table. */
  readonly note?: string;
}

/** One way to fail. */
export interface Failure {
  /** A word for it. */
  readonly id: string;
  /** A job that … */
  readonly what: string;
  readonly run: (scene: Scene) => hi.Job<unknown>;
  /** A call that leaves the worker alive, where every other one kills it: such functions are not run for ever. */
  readonly clear?: (scene: Scene) => hi.Job<unknown>;
  /** The time limit that is to be kept, in ms. */
  readonly limit?: number;
  /** Options of the jobs. */
  readonly options?: hi.Options;
  /** What a job must give that does not fail. */
  readonly gives?: (
    result: unknown,
    scene: Scene,
    job: hi.Job<unknown>,
  ) => boolean;
  readonly cells: Readonly<Partial<Record<Place, Cell>>>;
  /** With what its program is started, in place of all permissions. */
  readonly flags?: readonly string[];
  /** How else it comes about. */
  readonly by?: "a missing script" | "suspending the program";
}

const MINUTES = 120_000;
const IMPORT_LIMIT = 300;
const RUN_LIMIT = 200;
/** For how long a program is suspended, in ms. */
export const SUSPENDED = 2_000;
const MEMORY = 64 * 2 ** 20;
const GIB = 2 ** 30;
const WORKER_ROOM = fromFileUrl(new URL("../../lib/worker", import.meta.url));

/** The same in each place. */
function everywhere(cell: Cell): Record<Place, Cell> {
  return { worker: cell, process: cell, program: cell };
}

/** The same in either kind of worker; another thing in the program itself. */
function workers(cell: Cell, program?: Cell): Partial<Record<Place, Cell>> {
  const both = { worker: cell, process: cell };
  return program === undefined ? both : { ...both, program };
}

export const FAILURES: readonly Failure[] = [
  {
    id: "throws",
    what: "throws",
    run: ({ cause }) => f.throws.run(cause),
    cells: everywhere({
      error: "RangeError",
      says: ["out of luck"],
      noticed: "at once",
    }),
  },
  {
    id: "rejects",
    what: "rejects later",
    run: ({ cause }) => f.rejects.run(cause),
    cells: everywhere({
      error: "RangeError",
      says: ["out of luck later"],
      noticed: "at once",
    }),
  },
  {
    id: "rejection",
    what: "leaves a promise behind that is rejected",
    run: ({ cause }) => f.leavesRejection.run(cause),
    cells: workers({
      error: "StrayError",
      says: ["chaos_leaves_rejection 1", "nobody awaits this"],
      noticed: "at once",
    }, { noticed: "at once", says: ["nobody awaits this"], ends: { code: 1 } }),
  },
  {
    id: "timer",
    what: "throws in a timer",
    run: ({ cause }) => f.timerThrows.run(cause),
    cells: workers({
      error: "StrayError",
      says: ["chaos_timer_throws 1", "from a timer"],
      noticed: "at once",
    }, { noticed: "at once", says: ["from a timer"], ends: { code: 1 } }),
  },
  {
    id: "timer after return",
    what: "throws in a timer after it returned",
    run: ({ cause }) => f.throwsAfterReturn.run(cause),
    gives: (result) => result === "returned",
    cells: workers(
      {
        noticed: "at once",
        says: ["chaos_throws_after_return 1 had ended", "too late to fail"],
        note: "a warning on stderr",
      },
      { noticed: "at once", says: ["too late to fail"], ends: { code: 1 } },
    ),
  },
  {
    id: "hot loop",
    what: "computes for ever (hot loop), with a `timeout`",
    run: ({ cause }) => f.spins.with({ timeout: RUN_LIMIT }).run(cause),
    limit: RUN_LIMIT,
    cells: {
      worker: {
        error: "JobTimeoutError",
        says: ["chaos_spins 1", `${RUN_LIMIT} ms`],
        noticed: "at its limit",
        processOnly: true,
        givenUp: true,
        note: "its thread computes until the program ends",
      },
      process: {
        error: "JobTimeoutError",
        says: ["chaos_spins 1", `${RUN_LIMIT} ms`],
        noticed: "at its limit",
      },
    },
  },
  {
    id: "Atomics.wait",
    what: "is blocked in `Atomics.wait`, with a `timeout`",
    run: ({ cause }) => f.blocks.with({ timeout: RUN_LIMIT }).run(cause),
    limit: RUN_LIMIT,
    cells: {
      worker: {
        error: "JobTimeoutError",
        says: ["chaos_blocks 1", `${RUN_LIMIT} ms`],
        noticed: "at its limit",
        processOnly: true,
        givenUp: true,
        note: "its thread is blocked until the program ends",
      },
      process: {
        error: "JobTimeoutError",
        says: ["chaos_blocks 1", `${RUN_LIMIT} ms`],
        noticed: "at its limit",
      },
    },
  },
  {
    id: "Deno.exit",
    what: "calls `Deno.exit`",
    run: ({ cause }) => f.exits.run(cause),
    cells: workers({
      error: "JobExitError",
      says: ["chaos_exits 1", "Deno.exit(3)"],
      noticed: "at once",
    }, { noticed: "at once", ends: { code: 3 } }),
  },
  {
    id: "self.close",
    what: "calls `self.close`",
    run: ({ cause }) => f.closes.run(cause),
    cells: workers({
      error: "JobExitError",
      says: ["chaos_closes 1", "close()"],
      noticed: "at once",
    }, { noticed: "at once", ends: { code: 0 } }),
  },
  {
    id: "process.exit",
    what: "calls `process.exit`",
    run: ({ cause }) => f.exitsByProcess.run(cause),
    cells: workers({
      error: "JobExitError",
      says: ["chaos_process_exits 1", "Deno.exit(4)"],
      noticed: "at once",
    }, { noticed: "at once", ends: { code: 4 } }),
  },
  {
    id: "SIGKILL",
    what: "is killed (SIGKILL)",
    run: ({ cause }) => f.killed.run(cause, "SIGKILL"),
    clear: ({ cause }) => f.killed.run(cause, "not"),
    options: { crashRetries: 0 },
    cells: {
      worker: {
        noticed: "at once",
        ends: { signal: ["SIGKILL"] },
        note:
          "a thread has no process of its own: it is the program that is killed",
      },
      process: {
        error: "WorkerLostError",
        says: ["chaos_killed 1", "SIGKILL"],
        noticed: "at once",
      },
      program: { noticed: "at once", ends: { signal: ["SIGKILL"] } },
    },
  },
  {
    id: "SIGSEGV",
    what: "crashes (SIGSEGV)",
    run: ({ cause }) => f.killed.run(cause, "SIGSEGV"),
    clear: ({ cause }) => f.killed.run(cause, "not"),
    options: { crashRetries: 0 },
    cells: {
      worker: {
        noticed: "at once",
        ends: { signal: ["SIGSEGV"] },
        processOnly: true,
      },
      process: {
        error: "WorkerLostError",
        says: ["chaos_killed 1", "SIGSEGV"],
        noticed: "at once",
      },
      program: { noticed: "at once", ends: { signal: ["SIGSEGV"] } },
    },
  },
  {
    id: "memory",
    what: "takes all memory, with a `memory` limit in a process",
    run: ({ cause }) => f.grows.run(cause),
    // A small heap is sooner full.
    flags: ["-A", "--v8-flags=--max-old-space-size=64"],
    cells: {
      worker: {
        noticed: "at once",
        says: ["out of memory"],
        ends: { signal: ["SIGTRAP", "SIGILL", "SIGABRT", "SIGSEGV"] },
        processOnly: true,
      },
      process: {
        error: "MemoryLimitError",
        says: ["chaos_grows 1", "memory"],
        noticed: "at once",
      },
    },
  },
  {
    id: "stack",
    what: "calls itself for ever (stack overflow)",
    run: ({ cause }) => f.recurses.run(cause),
    cells: everywhere({
      error: "RangeError",
      says: ["Maximum call stack size exceeded"],
      noticed: "at once",
    }),
  },
  {
    id: "not data",
    what: "returns what cannot be encoded",
    run: ({ cause }) => f.returnsFunction.run(cause),
    cells: everywhere({
      error: "UnsupportedValueError",
      says: ["result.list[0]"],
      noticed: "at once",
    }),
  },
  {
    id: "2 GB",
    what: "returns 2 GB",
    run: ({ cause, full }) =>
      f.returnsBytes.run(cause, full ? 2 * GIB : GIB / 4),
    gives: (result, { full }) =>
      result instanceof Uint8Array && result.at(-1) === 7 &&
      result.byteLength === (full ? 2 * GIB : GIB / 4),
    cells: everywhere({ noticed: "in seconds" }),
  },
  {
    id: "console",
    what: "prints 10 million lines",
    run: ({ cause, full }) => f.prints.run(cause, full ? 10_000_000 : 200_000),
    gives: (result, { full }, job) =>
      result === (full ? 10_000_000 : 200_000) &&
      / more characters were printed and not kept/.test(
        job.console.at(-1)!.text,
      ),
    cells: workers({
      noticed: "at once",
      note:
        "all is shown, the first 1 MiB is kept, and how much more there was; the job waits while the program prints",
    }),
  },
  {
    id: "stdout",
    what: "floods `Deno.stdout` by itself",
    run: ({ cause, full }) => f.writes.run(cause, full ? 200e6 : 20e6),
    gives: (result, { full }) => result === (full ? 200e6 : 20e6),
    cells: {
      worker: { noticed: "at once", note: "all is shown" },
      process: { noticed: "at once", note: "all is shown, on stderr" },
    },
  },
  {
    id: "import fails",
    what: "is in a module that throws when it is imported",
    run: (scene) => inModule(scene, `throw new RangeError("at the top");`),
    cells: workers({
      error: "ModuleLoadError",
      says: ["chaos_in_module", "module.ts", "at the top"],
      noticed: "at once",
    }),
  },
  {
    id: "import missing",
    what: "is in a module that imports what is not there",
    run: (scene) => inModule(scene, `import "./nowhere.ts";`, true),
    cells: workers({
      error: "ModuleLoadError",
      says: ["chaos_in_module", "module.ts", "nowhere.ts"],
      noticed: "at once",
    }),
  },
  {
    id: "import hangs",
    what: "is in a module that imports from a server which never answers",
    run: (scene) => inModule(scene, `await import(String("${scene.silent}"));`),
    limit: IMPORT_LIMIT,
    cells: workers({
      error: "ImportTimeoutError",
      says: ["chaos_in_module", "module.ts", `${IMPORT_LIMIT} ms`],
      noticed: "at its limit",
    }),
  },
  {
    id: "static import hangs",
    what: "is in a module with a static import from such a server",
    run: (scene) => inModule(scene, `import "${scene.silent}";`, true),
    limit: IMPORT_LIMIT,
    cells: workers({
      error: "ImportTimeoutError",
      says: ["chaos_in_module", "module.ts", `${IMPORT_LIMIT} ms`],
      noticed: "at its limit",
    }),
  },
  {
    id: "top-level await",
    what: "is in a module with a top-level `await` that never ends",
    run: (scene) => inModule(scene, `await new Promise(() => {});`),
    limit: IMPORT_LIMIT,
    cells: workers({
      error: "ImportTimeoutError",
      says: ["chaos_in_module", "module.ts", `${IMPORT_LIMIT} ms`],
      noticed: "at its limit",
    }),
  },
  {
    id: "import computes",
    what: "is in a module that computes for ever when it is imported",
    run: (scene) => inModule(scene, `while (true);`),
    limit: IMPORT_LIMIT,
    cells: {
      worker: {
        error: "ImportTimeoutError",
        says: ["chaos_in_module", "module.ts", `${IMPORT_LIMIT} ms`],
        noticed: "at its limit",
        givenUp: true,
        note: "its thread computes until the program ends",
      },
      process: {
        error: "ImportTimeoutError",
        says: ["chaos_in_module", "module.ts", `${IMPORT_LIMIT} ms`],
        noticed: "at its limit",
      },
    },
  },
  {
    id: "unreadable",
    what: "is for a worker whose own script may not be read",
    run: ({ cause }) => {
      Deno.writeTextFileSync(cause, String(Date.now()));
      return f.throws.run(cause);
    },
    flags: ["-A", `--deny-read=${WORKER_ROOM}`],
    cells: workers({
      error: "PermissionNeededError",
      says: ["chaos_throws 1", "--allow-read"],
      noticed: "at once",
      noneRuns: true,
    }),
  },
  {
    id: "missing",
    what: "is for a worker whose own script is gone",
    run: ({ cause }) => {
      Deno.writeTextFileSync(cause, String(Date.now()));
      return f.throws.run(cause);
    },
    by: "a missing script",
    cells: workers({
      error: "WorkerLostError",
      says: ["chaos_throws 1", "Module not found"],
      noticed: "at once",
      noneRuns: true,
    }),
  },
  {
    id: "suspended",
    what:
      "runs while the program is suspended (SIGSTOP), and goes on (SIGCONT)",
    run: ({ folder }) => f.computes.run(folder, 300),
    gives: (result) => typeof result === "number",
    by: "suspending the program",
    cells: {
      worker: {
        noticed: "at once",
        note: "it goes on with the program, in the same worker",
      },
      process: {
        noticed: "at once",
        note:
          "it goes on meanwhile; if it ends within its `timeout`, its result counts",
      },
    },
  },
];

/** The options with which a failing job runs in a place. */
export function optionsOf(
  { id, options }: Failure,
  place: Place,
): hi.Options {
  if (place === "process") {
    if (id === "memory") return { ...options, memory: MEMORY };
    if (id === "suspended") return { ...options, timeout: SUSPENDED / 2 };
  }
  return { ...options };
}

/** How long a cell may take before it hangs, in ms; nothing takes a tenth of it on an idle machine. */
export const DEADLINE = MINUTES;

let modules = 0;

/** A job of a function whose module does something when it is imported. */
function inModule(
  { cause, folder }: Scene,
  does: string,
  isStatic = false,
): hi.Job<unknown> {
  const note = `Deno.writeTextFileSync(${
    JSON.stringify(cause)
  }, String(Date.now()));`;
  if (isStatic) Deno.writeTextFileSync(cause, String(Date.now()));
  Deno.writeTextFileSync(
    `${folder}/module.ts`,
    isStatic ? does : `${note}\n${does}`,
  );
  return f.define(
    `chaos_in_module_${++modules}`,
    new URL(`file://${folder}/module.ts`).href,
  ).with({ importTimeout: IMPORT_LIMIT }).run();
}
