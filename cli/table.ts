/**
 * Tables for terminals and pipes.
 *
 * @module
 */

import { bold } from "jsr:@std/fmt@^1/colors";
import stringWidth from "npm:string-width@^8";

/** One column of a table of `T`. */
export interface Column<T> {
  readonly title: string;
  /** Numbers stand at the right. */
  readonly align?: "right";
  readonly cell: (row: T) => string;
}

/** A column of text is made no narrower on a terminal, and no wider elsewhere. */
const LEAST_WIDTH = 12, MOST_WIDTH = 100;

const GAP = "  ";
const ELLIPSIS = "…";

/**
 * The lines of a table, its titles first.
 *
 * @param width Of the terminal: lines are cut there; without it only what is very long.
 */
export function tableLines<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  width?: number,
): string[] {
  const cells = rows.map((row) => columns.map(({ cell }) => plain(cell(row))));
  const titles = columns.map(({ title }) => title);
  const widest = width === undefined ? MOST_WIDTH : Infinity;
  const widths = columns.map((_, i) =>
    [titles, ...cells].reduce(
      (most, line) => Math.min(Math.max(most, stringWidth(line[i]!)), widest),
      0,
    )
  );
  if (width !== undefined) shareWidth(widths, columns, width);
  const lineOf = (texts: readonly string[]) =>
    cut(
      texts.map((whole, i) => {
        const text = cut(whole, widths[i]);
        const space = " ".repeat(widths[i]! - stringWidth(text));
        return columns[i]!.align === "right" ? space + text : text + space;
      }).join(GAP).trimEnd(),
      width,
    );
  return [bold(lineOf(titles)), ...cells.map(lineOf)];
}

/** Takes room from the widest columns of text, so that the others can be seen too. */
function shareWidth(
  widths: number[],
  columns: readonly Column<never>[],
  width: number,
): void {
  const gaps = GAP.length * (widths.length - 1);
  let excess = widths.reduce((sum, each) => sum + each, gaps) - width;
  while (excess-- > 0) {
    let widest = -1;
    for (const [i, { align }] of columns.entries()) {
      if (align === "right" || widths[i]! <= LEAST_WIDTH) continue;
      if (widest < 0 || widths[i]! > widths[widest]!) widest = i;
    }
    if (widest < 0) return;
    widths[widest]!--;
  }
}

/** A text in at most so many columns of a terminal. */
export function cut(text: string, width: number | undefined): string {
  if (width === undefined || stringWidth(text) <= width) return text;
  let kept = "";
  let used = 1;
  for (const character of text) {
    used += stringWidth(character);
    if (used > width) break;
    kept += character;
  }
  return kept + ELLIPSIS;
}

/** A text without what would move the cursor or break the line. */
export function plain(text: string): string {
  return text.replaceAll(
    // deno-lint-ignore no-control-regex
    /[\x00-\x1f\x7f-\x9f]/g,
    (unit) => `\\x${unit.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
