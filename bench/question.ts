/** What a question of the bench is, and what it answers. */

/** Several measurements of one thing. */
export interface Sample {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** How many measurements. */
  readonly count: number;
}

/** One line of the table. */
export interface Row {
  /** What the rows have in common that stand together. */
  readonly group?: string;
  readonly name: string;
  readonly unit: string;
  readonly measured: Sample;
  /** Whether more is better, as with a speed-up. */
  readonly moreIsBetter?: boolean;
  /** The raw limit: the least that this work can cost on this machine, measured in the same run. */
  readonly limit?: Sample & { readonly name: string };
  /** What the project promises, in words. */
  readonly promised?: string | undefined;
}

/** How thorough a run is. */
export interface Effort {
  /** Fewer rounds and less work: to see that everything runs. */
  readonly quick: boolean;
  /** Also what takes minutes. */
  readonly large: boolean;
  /** A folder for this question alone, deleted when everything has been measured. */
  readonly folder: string;
}

/** One thing that the bench measures. */
export interface Question {
  readonly name: string;
  measure(effort: Effort): Row[];
}

/** The median, the least and the most of some numbers. */
export function sampleOf(numbers: readonly number[]): Sample {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1
    ? sorted[middle]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return {
    median,
    min: sorted[0]!,
    max: sorted.at(-1)!,
    count: sorted.length,
  };
}

/** Measures several things in turn, round by round, so that a slow minute hits them alike. */
export function inTurn<N extends string>(
  rounds: number,
  contenders: Record<N, () => number>,
): Record<N, Sample> {
  const names = Object.keys(contenders) as N[];
  const numbers = new Map<N, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) numbers.get(name)!.push(contenders[name]());
  }
  return Object.fromEntries(
    names.map((name) => [name, sampleOf(numbers.get(name)!)]),
  ) as Record<N, Sample>;
}
