/**
 * Results of a few bytes on their way to the program through a pipe: each at once, and
 * before the next item of its chunk begins. What is in the pipe outlives this process,
 * so the program knows, however that ends, which items have ended and which was next.
 *
 * @module
 */

import type { EncodedValue } from "../value/encoded.ts";
import { smallValueOf } from "../value/small.ts";
import type { MessageSink } from "./pipe.ts";
import type { ResultWay } from "./result_writer.ts";

/** Writes them into the pipe, in which everything comes in its order. */
export class PipedResults implements ResultWay {
  readonly #sink: MessageSink;

  constructor(sink: MessageSink) {
    this.#sink = sink;
  }

  fallBehind(): void {}

  caughtUp(): void {}

  write(
    task: number,
    value: EncodedValue | number,
    contribution: Uint8Array | undefined,
    startedAt: number,
    duration: number,
  ): boolean {
    return this.#sink.writeResult(
      task,
      typeof value === "number" ? smallValueOf(value) : value,
      contribution,
      startedAt,
      duration,
    );
  }

  writeBegun(chunk: number): void {
    this.#sink.writeStage(chunk, "begins");
  }

  writeDone(chunk: number): true {
    this.#sink.writeStage(chunk, "ends");
    return true;
  }

  tell(): void {}
}
