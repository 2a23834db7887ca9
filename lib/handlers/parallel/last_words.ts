/**
 * What a process writes to its standard error: shown as it comes, and the end of
 * it remembered, since that is where a crash says what it was.
 *
 * @module
 */

import { showLive } from "../../worker/console.ts";

/** How much is kept, in characters. */
const KEPT = 16_384;

/** How much of it is told, in characters. */
const TOLD = 2_048;

/** The stack of a crash, in addresses, and what was collected before it: they say nothing to a person. */
const NOISE =
  /^\s*$|^#*$|\(\+0x[0-9a-f]+\)|C stack trace|RUST_BACKTRACE|stack backtrace:|^<--- Last few GCs --->|\[\d+:0x[0-9a-f]+\] +\d+ ms: /i;

/** Shows a stream, and remembers its end. */
export class LastWords {
  /** Resolves at the end of the stream. */
  readonly complete: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #kept = "";
  #line = "";

  /** Begins to read. */
  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    this.complete = this.#read();
  }

  /** Reads no more. */
  stop(): void {
    this.#reader.cancel().catch(() => {});
  }

  /** The last that was said. */
  text(): string {
    const lines = this.#kept.split("\n").filter((line) => !NOISE.test(line));
    return lines.join("\n").trim().slice(-TOLD);
  }

  async #read(): Promise<void> {
    try {
      for (
        let part = await this.#reader.read();
        !part.done;
        part = await this.#reader.read()
      ) this.#take(part.value);
    } catch {
      // Nobody waits for more.
    }
    if (this.#line !== "") this.#show(this.#line);
    this.#line = "";
  }

  #take(text: string): void {
    this.#kept = (this.#kept + text).slice(-KEPT);
    const end = text.lastIndexOf("\n") + 1;
    if (end === 0 && this.#line.length + text.length < KEPT) {
      this.#line += text;
      return;
    }
    this.#show(this.#line + text.slice(0, end || undefined));
    this.#line = end === 0 ? "" : text.slice(end);
  }

  #show(text: string): void {
    showLive({ stream: "stderr", text, time: Date.now() });
  }
}
