/** The bench's rows as text. */

import type { Row, Sample } from "./question.ts";

/** Measured against its raw limit; above 1 is worse. */
export function ratioOf(
  { measured, limit, moreIsBetter = false }: Row,
): number | undefined {
  if (limit === undefined) return undefined;
  return moreIsBetter
    ? limit.median / measured.median
    : measured.median / limit.median;
}

/** The rows as a table in Markdown; `beside` says what the measurements stand beside. */
export function table(rows: readonly Row[], beside = "raw limit"): string {
  const head = ["", "measured", "min to max", beside, "ratio", "promised"];
  const lines = [
    head,
    ...rows.flatMap((row, i) => [
      ...(row.group === undefined || row.group === rows[i - 1]?.group
        ? []
        : [[`**${row.group}**`, "", "", "", "", ""]]),
      cells(row),
    ]),
  ];
  const widths = head.map((_, column) =>
    Math.max(3, ...lines.map((line) => line[column]!.length))
  );
  const text = (line: string[]) =>
    `| ${line.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [text(head), rule, ...lines.slice(1).map(text)].join("\n");
}

function cells(row: Row): string[] {
  const { name, unit, measured, limit, promised } = row;
  return [
    name,
    `${short(measured.median)} ${unit}`,
    range(measured),
    limit === undefined ? "" : `${short(limit.median)} ${unit}: ${limit.name}`,
    ratioOf(row) === undefined ? "" : `${short(ratioOf(row)!)} ×`,
    promised ?? "",
  ];
}

function range({ min, max, count }: Sample): string {
  return `${short(min)} to ${short(max)} (${count})`;
}

function short(number: number): string {
  return Math.abs(number) < 100
    ? String(Number(number.toPrecision(3)))
    : number.toFixed(0);
}
