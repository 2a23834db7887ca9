import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { ROOT, temporaryFolder } from "../house/run.ts";
import { type Course, FULL, run } from "./chaos.ts";
import {
  type Cell,
  type Failure,
  FAILURES,
  type Place,
  PLACES,
  SUSPENDED,
} from "./failures.ts";
import { meet } from "./fixtures/meeting.ts";
import { type Left, type Once, sceneOf, UNHARMED } from "./fixtures/program.ts";
import { Measured } from "./measured.ts";

/** How long it may take until a failure is noticed, in ms: in an ordinary run the machine may be busy with anything. */
const NOTICED = 20_000;

/** How much memory a program may take that has nothing large in it. */
const MEMORY = 1_000_000_000;

const WHERE: Record<Place, string> = {
  worker: "in a web worker",
  process: "in a process",
  program: "in the program itself",
};

/** The one failure to try. */
const ONLY = Deno.env.get("HITHER_CHAOS_ONLY");

const measured = new Measured();

for (const place of PLACES) {
  const cells = FAILURES.flatMap((failure) => {
    const cell = failure.cells[place];
    return cell === undefined ? [] : [{ failure, cell }];
  });
  Deno.test(`what fails ${WHERE[place]} has its name and its place back, and harms nobody`, async (t) => {
    for (const { failure, cell } of cells) {
      if (ONLY !== undefined && ONLY !== failure.id) continue;
      await t.step(
        `a job that ${failure.what}`,
        () =>
          cell.ends === undefined
            ? failsAlone(failure, cell, place)
            : endsProgram(failure, cell, place),
      );
    }
    await measured.write();
  });
}

/** The job fails, or does not, and nothing else comes of it. */
async function failsAlone(
  failure: Failure,
  cell: Cell,
  place: Place,
  times = FULL ?? 1,
): Promise<void> {
  // Threads that go on computing would hold up those that come after them, and a program is suspended once.
  const once = cell.givenUp || failure.by === "suspending the program";
  if (once && times > 1) {
    for (let time = 0; time < times; time++) {
      await failsAlone(failure, cell, place, 1);
    }
    return;
  }
  const course = await COURSES[failure.by ?? "itself"](failure, place, times);
  assertEquals([course.status.code, course.hung], [0, false], course.stderr);
  assertEquals(course.orphans, 0);
  const lines = course.lines.filter((line): line is Once => "id" in line);
  const left = course.lines.at(-1) as Left;
  assertEquals(lines.length, times);
  for (const line of lines) {
    assertEquals(line.hung, []);
    assertEquals(line.error, cell.error ?? null, line.message);
    if (cell.error === undefined) assert(line.gave, "the result is right");
    else {for (const text of cell.says!) {
        assertStringIncludes(line.message, text);
      }}
    assertEquals([line.neighbour, line.slots], [UNHARMED, true]);
    if (cell.noticed !== "in seconds") {
      assert(line.ms < NOTICED, `${line.ms} ms`);
    }
  }
  assertEquals(left.children ?? 0, 0);
  assertEquals(left.abandoned, cell.givenUp ? times : 0);
  if (failure.id === "console") {
    assert(left.peak! < MEMORY, `${left.peak} bytes`);
  }
  if (cell.error === undefined) says(course, cell);
  if (failure.id === "suspended" && place === "process") {
    const [{ workers, result }] = lines as [Once];
    assert(workers.includes(result!), "its process lives");
  }
  measured.add(failure, place, lines.map(({ ms }) => ms));
}

/** The whole program ends, and nothing is left of it. */
async function endsProgram(
  failure: Failure,
  cell: Cell,
  place: Place,
): Promise<void> {
  const all: number[] = [];
  for (let time = 0; time < (FULL ?? 1); time++) {
    const course = await run(failure, place, { times: 1, ends: true });
    assertEquals([course.hung, course.orphans], [false, 0]);
    const { code, signal } = course.status;
    if ("code" in cell.ends!) {
      assertEquals([code, signal], [cell.ends.code, null], course.stderr);
    } else {
      assert(cell.ends!.signal.includes(signal!), `${signal} ${course.stderr}`);
    }
    says(course, cell);
    assert(course.ms < NOTICED, `${course.ms} ms`);
    all.push(course.ms);
  }
  measured.add(failure, place, all);
}

/** How failures come about. */
const COURSES: Record<
  "itself" | NonNullable<Failure["by"]>,
  (failure: Failure, place: Place, times: number) => Promise<Course>
> = {
  "itself": (failure, place, times) =>
    run(failure, place, { times, ends: false }),
  "a missing script": async (failure, place, times) => {
    await using copy = await copyWithoutEntries();
    const program = join(copy.path, "tests/chaos/fixtures/program.ts");
    return await run(failure, place, { times, ends: false, program });
  },
  "suspending the program": (failure, place, times) =>
    run(failure, place, {
      times,
      ends: false,
      meanwhile: async (program, report) => {
        const scene = sceneOf(report, 0);
        await meet(scene, "test is watching", ["computes"]);
        program.kill("SIGSTOP");
        const { promise, resolve } = Promise.withResolvers<void>();
        setTimeout(resolve, SUSPENDED);
        await promise;
        if (place === "process") Deno.lstatSync(`${scene}/has computed`);
        Deno.writeTextFileSync(`${report}.cause`, String(Date.now()));
        program.kill("SIGCONT");
      },
    }),
};

/** The project as far as a program needs it, but for the scripts with which workers begin. */
async function copyWithoutEntries(): Promise<
  AsyncDisposable & { path: string }
> {
  const folder = await temporaryFolder();
  const needed = [
    "lib",
    "mod.ts",
    "deno.json",
    "tests/chaos",
    "tests/house",
    "tests/process",
  ];
  await new Deno.Command("cp", {
    args: ["-r", "--parents", ...needed, folder.path],
    cwd: ROOT,
  }).output();
  for (const name of ["web_worker.ts", "process_entry.ts"]) {
    await Deno.remove(join(folder.path, "lib/worker", name));
  }
  return folder;
}

function says({ stderr }: Course, { says = [] }: Cell): void {
  for (const text of says) assertStringIncludes(stderr, text);
}
