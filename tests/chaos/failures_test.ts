import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Course, FULL, run } from "./chaos.ts";
import {
  type Cell,
  type Failure,
  FAILURES,
  type Place,
  PLACES,
} from "./failures.ts";
import { type Left, type Once, UNHARMED } from "./fixtures/program.ts";
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

const measured = new Measured();

for (const place of PLACES) {
  const cells = FAILURES.flatMap((failure) => {
    const cell = failure.cells[place];
    return cell === undefined ? [] : [{ failure, cell }];
  });
  Deno.test(`what fails ${WHERE[place]} has its name and its place back, and harms nobody`, async (t) => {
    for (const { failure, cell } of cells) {
      await t.step(
        `a job that ${failure.what}`,
        () =>
          cell.ends === undefined
            ? failsAlone(failure, cell, place)
            : endsProgram(failure, cell, place),
      );
    }
  });
}

if (FULL !== undefined) {
  Deno.test("the measured times", () => console.log(measured.table()));
}

/** The job fails, or does not, and nothing else comes of it. */
async function failsAlone(
  failure: Failure,
  cell: Cell,
  place: Place,
  times = FULL ?? 1,
): Promise<void> {
  // Threads that go on computing would hold up those that come after them.
  if (cell.givenUp && times > 1) {
    for (let time = 0; time < times; time++) {
      await failsAlone(failure, cell, place, 1);
    }
    return;
  }
  const course = await run(failure, place, { times, ends: false });
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
  assertEquals(left.children, 0);
  assertEquals(left.abandoned, cell.givenUp ? times : 0);
  if (failure.id === "console") {
    assert(left.peak < MEMORY, `${left.peak} bytes`);
  }
  if (cell.error === undefined) says(course, cell);
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

function says({ stderr }: Course, { says = [] }: Cell): void {
  for (const text of says) assertStringIncludes(stderr, text);
}
