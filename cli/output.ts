/**
 * What a command says on stdout.
 *
 * @module
 */

/** Nobody reads stdout any more. */
export class ClosedOutput extends Error {}

const FULL = 16_384;

const utf8 = new TextEncoder();

/** Collects lines and writes them in large pieces; what is left when it is disposed of, too. */
export class Output implements Disposable {
  #text = "";

  /** Adds a line. */
  line(text = ""): void {
    this.raw(`${text}\n`);
  }

  /** Adds a value as one line of JSON. */
  json(value: unknown): void {
    this.line(JSON.stringify(value));
  }

  /** Adds text as it is. */
  raw(text: string): void {
    this.#text += text;
    if (this.#text.length >= FULL) this.flush();
  }

  /** Writes what was added. */
  flush(): void {
    const bytes = utf8.encode(this.#text);
    this.#text = "";
    try {
      for (let at = 0; at < bytes.length;) {
        at += Deno.stdout.writeSync(bytes.subarray(at));
      }
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) throw new ClosedOutput();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.flush();
  }
}

/** The width of the terminal; `undefined` where stdout is none, or one that does not know it. */
export function terminalWidth(): number | undefined {
  if (!Deno.stdout.isTerminal()) return undefined;
  return Deno.consoleSize().columns || undefined;
}
