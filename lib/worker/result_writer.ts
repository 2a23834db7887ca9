/**
 * Results of a few bytes on their way to the program, which is told of many at once.
 *
 * @module
 */

import type { EncodedValue } from "../value/encoded.ts";
import { Bell, PROGRAM_BELL } from "./bell.ts";
import type { QuickMemory } from "./protocol.ts";
import { Results } from "./results.ts";

/** How long results of a batch may wait for each other, in ms that its functions took. */
const TIME_TOGETHER = 1;

/** How many results of a batch are told of with one message. */
const MOST_TOGETHER = 256;

/** The way of results of a few bytes. */
export interface ResultWay {
  /** The program is to hear of a message that was sent before it has the next result. */
  fallBehind(): void;
  /** A result was sent as a message. */
  caughtUp(): void;
  /** Sends a result that took so many ms, unless it has to travel as a message; whether it did. One of several that come `together` may wait for the others. */
  write(
    task: number,
    value: EncodedValue | number,
    contribution: Uint8Array | undefined,
    startedAt: number,
    duration: number,
    together: boolean,
  ): boolean;
  /** Says that the first item of a chunk is taken up, where nobody sees the flag. */
  writeBegun(chunk: number): void;
  /** Says that no more items of a chunk are taken up, unless that has to travel as a message; whether it did. */
  writeDone(chunk: number): boolean;
  /** Tells the program of the results that it was not told of. */
  tell(): void;
}

/** Writes them into shared memory. */
export class ResultWriter implements ResultWay {
  readonly #results: Results;
  /** By which the program is told of results. */
  readonly #bell: Bell;
  /** How many results the program was not told of, and how long their functions took, in ms. */
  #untold = 0;
  #untoldTime = 0;
  /** Whether the next result has to come after a message that was sent. */
  #isBehind = false;

  /** Makes a writer for the memory that a worker was given. */
  constructor({ results, bells }: Pick<QuickMemory, "results" | "bells">) {
    this.#results = new Results(results);
    this.#bell = new Bell(bells, PROGRAM_BELL);
  }

  /** The program is to hear of a message that was sent before it has the next result, which goes as a message too. */
  fallBehind(): void {
    this.#isBehind = true;
  }

  /** A result was sent as a message. */
  caughtUp(): void {
    this.#isBehind = false;
  }

  /** Writes a result that took so many ms, unless there is no room for it now or it must not come before a message; whether it did. One of several that come `together` may wait for the others. */
  write(
    task: number,
    value: EncodedValue | number,
    contribution: Uint8Array | undefined,
    startedAt: number,
    duration: number,
    together: boolean,
  ): boolean {
    if (
      this.#isBehind ||
      !this.#results.write(task, value, contribution, startedAt, duration)
    ) return false;
    this.#untold++;
    this.#untoldTime += duration;
    if (
      !together || this.#untold >= MOST_TOGETHER ||
      this.#untoldTime >= TIME_TOGETHER
    ) this.tell();
    return true;
  }

  writeBegun(): void {}

  /** Writes that no more items of a chunk are taken up, and tells of it; if there is no room, the message in its place tells of all. */
  writeDone(chunk: number): boolean {
    if (this.#results.writeDone(chunk)) {
      this.#untold++;
      this.tell();
      return true;
    }
    this.#untold = 0;
    this.#untoldTime = 0;
    return false;
  }

  /** Tells the program of the results that it was not told of. */
  tell(): void {
    if (this.#untold === 0) return;
    this.#untold = 0;
    this.#untoldTime = 0;
    this.#bell.ring();
  }
}
