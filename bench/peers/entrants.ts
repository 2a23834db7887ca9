/** What is measured in turn, and becomes rows of the table. */

import { inTurn, type Row, type Sample } from "../question.ts";
import { type Peer, whyMissing } from "./peers.ts";

/** Something that does the work of a question. */
export interface Entrant {
  readonly name: string;
  /** What has to be installed; nothing for the project and the raw limits. */
  readonly peer?: Peer;
  /** The names of entrants beside which it is put: the first that was measured. */
  readonly beside?: readonly string[];
  readonly promised?: string;
  /** Does the work once. */
  measure(round: number): number;
}

/** What is asked of the entrants. */
export interface Asked {
  readonly what: string;
  readonly unit: string;
  readonly rounds: number;
  readonly moreIsBetter?: boolean;
}

const leftOut = new Map<string, string>();

let ownFailed = false;

/** What was not measured, and why. */
export function whatIsLeftOut(): string[] {
  return [...leftOut].map(([name, reason]) => `left out: ${name}, ${reason}`);
}

/** Whether the project or a raw limit is among that. */
export function hasOwnFailed(): boolean {
  return ownFailed;
}

/**
 * Measures the entrants in turn. What is missing or fails is left out.
 *
 * @param alone Whether to leave out all peers.
 */
export function measure(
  { what, unit, rounds, moreIsBetter = false }: Asked,
  entrants: readonly Entrant[],
  alone: boolean,
): Row[] {
  const present = entrants.filter(({ name, peer }) => {
    if (peer === undefined) return true;
    if (alone) return false;
    const reason = whyMissing(peer);
    if (reason !== undefined) leftOut.set(name, reason);
    return reason === undefined;
  });
  const failed = new Set<string>();
  const samples: Record<string, Sample> = inTurn(
    rounds,
    Object.fromEntries(present.map((entrant) => {
      let round = 0;
      return [entrant.name, () => {
        if (failed.has(entrant.name)) return NaN;
        try {
          return entrant.measure(round++);
        } catch (error) {
          if (entrant.peer === undefined) ownFailed = true;
          failed.add(entrant.name);
          leftOut.set(`${what}: ${entrant.name}`, String(error));
          return NaN;
        }
      }];
    })),
  );
  const measured = present.filter(({ name }) => !failed.has(name));
  return measured.map(({ name, beside = [], promised }) => {
    const other = beside.find((name) =>
      measured.some((entrant) => entrant.name === name)
    );
    return {
      group: what,
      name,
      unit,
      measured: samples[name]!,
      ...(moreIsBetter ? { moreIsBetter } : {}),
      ...(other === undefined
        ? {}
        : { limit: { name: other, ...samples[other]! } }),
      promised,
    };
  });
}
