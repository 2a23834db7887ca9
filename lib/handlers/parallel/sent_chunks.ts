/**
 * The chunks that a process has, whose flags are out of reach: how many of their items
 * it has begun with is known only when it was asked.
 *
 * @module
 */

/** A chunk in a process. */
interface SentChunk {
  /** How many items there were. */
  readonly count: number;
  /** Whether the process was asked to take up no more of them, and has answered. */
  recall: "not asked" | "asked" | "answered";
}

/** Finds them by their numbers. */
export class SentChunks {
  readonly #chunks = new Map<number, SentChunk>();

  /** A chunk is on its way. */
  add(chunk: number, count: number): void {
    this.#chunks.set(chunk, { count, recall: "not asked" });
  }

  /** How many items it had; 0 if it is not here any more. */
  countOf(chunk: number): number {
    return this.#chunks.get(chunk)?.count ?? 0;
  }

  /** Those of these that the process was not asked for yet; from now on it is. */
  ask(chunks: Iterable<number>): number[] {
    const asked: number[] = [];
    for (const chunk of chunks) {
      const sent = this.#chunks.get(chunk);
      if (sent?.recall !== "not asked") continue;
      sent.recall = "asked";
      asked.push(chunk);
    }
    return asked;
  }

  /** The process has answered. */
  answered(chunk: number): void {
    const sent = this.#chunks.get(chunk);
    if (sent !== undefined) sent.recall = "answered";
  }

  /** Whether it is not known how many of its items have begun. */
  isOpen(chunk: number): boolean {
    const recall = this.#chunks.get(chunk)?.recall;
    return recall !== undefined && recall !== "answered";
  }

  /** The process takes up no more of its items, and those that it had are done. */
  delete(chunk: number): void {
    this.#chunks.delete(chunk);
  }
}
