import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";
import * as f from "./fixtures/functions.ts";
import { failureOf, inPool } from "./pool.ts";

// deno-lint-ignore no-explicit-any
type ErrorClass = new (...args: any[]) => Error;

interface Fault {
  readonly what: string;
  readonly run: () => hi.Job<unknown>;
  readonly error: ErrorClass;
  readonly says: string;
}

const FAULTS: readonly Fault[] = [
  {
    what: "throws",
    run: () => f.throws.run(),
    error: RangeError,
    says: "out of luck",
  },
  {
    what: "leaves a rejected promise behind",
    run: () => f.rejectsLater.run(),
    error: hi.StrayError,
    says: "nobody waits for this",
  },
  {
    what: "sets a timer that throws",
    run: () => f.timerThrows.run(),
    error: hi.StrayError,
    says: "from a timer",
  },
  {
    what: "queues a microtask that throws",
    run: () => f.microtaskThrows.run(),
    error: hi.StrayError,
    says: "from a microtask",
  },
  {
    what: "calls Deno.exit",
    run: () => f.exits.run(),
    error: hi.JobExitError,
    says: "Deno.exit(3)",
  },
  {
    what: "calls process.exit",
    run: () => f.exitsByProcess.run(),
    error: hi.JobExitError,
    says: "Deno.exit(4)",
  },
  {
    what: "calls close",
    run: () => f.closes.run(),
    error: hi.JobExitError,
    says: "close()",
  },
  {
    what: "calls Deno.exit and catches what it throws",
    run: () => f.exitsAndGoesOn.run(),
    error: hi.JobExitError,
    says: "Deno.exit(5)",
  },
  {
    what: "returns a function",
    run: () => f.returnsFunction.run(),
    error: hi.UnsupportedValueError,
    says: "result.list[0]",
  },
  {
    what: "returns shared memory",
    run: () => f.returnsBadView.run(),
    error: hi.UnsupportedValueError,
    says: "result",
  },
  {
    what: "lacks a permission",
    run: () => f.asksPermission.run(),
    error: Deno.errors.NotCapable,
    says: "Requires net access",
  },
];

for (const isolation of ["worker", "process"] as const) {
  for (const { what, run, error, says } of FAULTS) {
    Deno.test(`a job that ${what} fails alone, and its slot comes back (${isolation})`, () =>
      inPool({ numWorkers: 1, isolation }, async () => {
        const before = f.add.run(1, 1);
        const bad = run();
        const after = f.add.run(2, 2);
        const failure = await failureOf(bad);
        assertInstanceOf(failure, error);
        assertStringIncludes(failure.message, says);
        assertEquals([await before, await after], [2, 4]);
      }));

    Deno.test(`a job that ${what} leaves its neighbour alone (${isolation})`, () =>
      inPool({ numWorkers: 1, jobsPerWorker: 2, isolation }, async () => {
        await using folder = await temporaryFolder();
        const neighbour = f.waitsForFile.run(folder.path);
        await fileIn(folder.path, "started");
        const failure = await failureOf(run());
        assertInstanceOf(failure, error);
        await Deno.writeTextFile(`${folder.path}/go`, "");
        assertEquals(await neighbour, "gone");
      }));
  }
}

Deno.test("an error keeps class, message, stack and cause", () =>
  inPool({ numWorkers: 1 }, async () => {
    const failure = await failureOf(f.throws.run());
    assertInstanceOf(failure, RangeError);
    assertStringIncludes(failure.stack ?? "", "functions.ts");
    assertInstanceOf(failure.cause, TypeError);
    assertEquals((failure.cause as Error).message, "deeper");
  }));

Deno.test("what fails after the end of its job does not hit the next job", () =>
  inPool({ numWorkers: 1 }, async () => {
    assertEquals(await f.throwsAfterItsEnd.run(), 1);
    await using folder = await temporaryFolder();
    const next = f.waitsForFile.run(folder.path);
    await fileIn(folder.path, "started");
    await Deno.writeTextFile(`${folder.path}/go`, "");
    assertEquals(await next, "gone");
  }));

const MODULES: Record<string, { text?: string; says: string }> = {
  "syntax_error.ts": { text: "const = 1;", says: "Expected" },
  "missing_import.ts": {
    text: `import "./there_is_no_such_file.ts";`,
    says: "there_is_no_such_file.ts",
  },
  "missing.ts": { says: "missing.ts" },
  "throws.ts": {
    text: `throw new RangeError("at the top")`,
    says: "at the top",
  },
  "exits.ts": { text: `Deno.exit(6)`, says: "Deno.exit(6)" },
};

for (const [file, { text, says }] of Object.entries(MODULES)) {
  Deno.test(`a module that cannot be imported (${file}) fails its jobs, and only them`, () =>
    inPool({ numWorkers: 1 }, async () => {
      await using folder = await temporaryFolder(
        text === undefined ? {} : { [file]: text },
      );
      const module = new URL(`file://${folder.path}/${file}`).href;
      const lost = hi.func(`faults_${file}`, folder.path, () => 1, { module });
      for (let i = 0; i < 2; i++) {
        const failure = await failureOf(lost.run());
        assertInstanceOf(failure, hi.ModuleLoadError);
        assertStringIncludes(failure.message, module);
        assertStringIncludes(failure.message, says);
        assert(failure.cause !== undefined);
      }
      assertEquals(await f.add.run(1, 2), 3);
    }));
}

Deno.test("a function that its module does not define is named, with what there is", () =>
  inPool({ numWorkers: 1 }, async () => {
    const module = new URL("fixtures/functions.ts", import.meta.url).href;
    const absent = hi.func("faults_absent", "7", () => 1, { module });
    const failure = await failureOf(absent.run());
    assertInstanceOf(failure, hi.FunctionNotFoundError);
    for (const text of ["faults_absent 7", module, "pool_add 1"]) {
      assertStringIncludes(failure.message, text);
    }
    assertEquals(await f.add.run(1, 2), 3);
  }));

/** Resolves when the folder has a file of that name. */
async function fileIn(folder: string, name: string): Promise<void> {
  using watcher = Deno.watchFs(folder);
  try {
    await Deno.lstat(`${folder}/${name}`);
    return;
  } catch {
    // Not yet.
  }
  for await (const { paths } of watcher) {
    if (paths.some((path) => path.endsWith(name))) return;
  }
}
