/** The times until failures were noticed. */

import type { Failure, Place } from "./failures.ts";

/** Collects times, and writes them down. */
export class Measured {
  readonly #rows = new Map<string, number[]>();

  /** Takes the times of one cell, in ms. */
  add({ what }: Failure, place: Place, times: readonly number[]): void {
    const cell = `${what} | ${place}`;
    this.#rows.set(cell, [...this.#rows.get(cell) ?? [], ...times]);
  }

  /** Writes a table in Markdown into the file that `HITHER_CHAOS_TABLE` names, if it names one. */
  async write(): Promise<void> {
    const path = Deno.env.get("HITHER_CHAOS_TABLE");
    if (path) await Deno.writeTextFile(path, this.#table() + "\n");
  }

  #table(): string {
    return [
      "| a job that | where | times | median, ms | most, ms |",
      "| --- | --- | --- | --- | --- |",
      ...[...this.#rows].map(([cell, times]) => {
        const sorted = times.toSorted((a, b) => a - b);
        const median = sorted[Math.floor(sorted.length / 2)];
        return `| ${cell} | ${times.length} | ${median} | ${sorted.at(-1)} |`;
      }),
    ].join("\n");
  }
}
