/** The table of `docs/reliability.md`, made from the one in code. */

import { type Cell, FAILURES, type Place, PLACES } from "./failures.ts";

const WHERE: Record<Place, string> = {
  worker: "web worker",
  process: "process",
  program: "the program itself",
};

const HEAD = [
  "a job that",
  "where",
  "what comes",
  "what the message tells",
  "noticed",
  "place back, neighbours unharmed",
] as const;

/** The rows of the table, the first of them its head. */
export function rows(): string[][] {
  const all = FAILURES.flatMap(({ what, cells }) => {
    const there = PLACES.filter((place) => cells[place] !== undefined);
    // What is the same in several places is said once.
    const groups = new Map<string, Place[]>();
    for (const place of there) {
      const said = told(cells[place]!).join("|");
      groups.set(said, [...groups.get(said) ?? [], place]);
    }
    return [...groups.values()].map((places, index) => [
      index === 0 ? what : "",
      places.map((place) => WHERE[place]).join(", "),
      ...told(cells[places[0]!]!),
    ]);
  });
  return [[...HEAD], ...all];
}

/** The table in Markdown, without the spaces that align it. */
export function table(): string {
  const [head, ...body] = rows();
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head!), line(head!.map(() => "---")), ...body.map(line)]
    .join("\n");
}

/** What a cell says, in the words of the table. */
function told(cell: Cell): string[] {
  const { error, says = [], noticed, ends, note, processOnly } = cell;
  const what = error !== undefined
    ? `\`${error}\``
    : ends !== undefined
    ? `the program ends, ${howItEnds(ends)}`
    : "its result";
  const more = [
    ...(processOnly ? ["**process only**"] : []),
    ...(note === undefined ? [] : [note]),
  ];
  return [
    [what, ...more].join("; "),
    says.map((text) => `\`${text}\``).join(", "),
    noticed,
    unharmed(cell),
  ];
}

function unharmed({ ends, givenUp, noneRuns }: Cell): string {
  if (ends !== undefined) return "no";
  if (noneRuns) return "each job fails so";
  return givenUp ? "yes, with a new worker" : "yes";
}

function howItEnds(ends: NonNullable<Cell["ends"]>): string {
  return "code" in ends
    ? `exit code ${ends.code}`
    : ends.signal.length > 1
    ? "by a signal"
    : `by ${ends.signal[0]}`;
}
