/**
 * What storing adds to a job, with and without a limit of BYTES that the cache has
 * reached: two programs that store COUNT new jobs each after as many others, in turns
 * so short that what else the machine does hits both alike. Their caches are in FOLDER
 * and of LAYOUT; `@std` comes from STD. Prints the µs for each job, with the limit and
 * without.
 */

import { join } from "@std/path";
import { type StdSource, withStd } from "../../tools/deno.ts";

const [count, folder = "", layout = "", bytes = "", std] = Deno.args;
const member = join(import.meta.dirname!, "store_in_turns.ts");

/** Jobs of a program in each of its turns. */
const TURN = 250;

class Program {
  readonly #process: Deno.ChildProcess;
  readonly #turns: WritableStreamDefaultWriter<Uint8Array>;
  readonly #times: ReadableStreamDefaultReader<string>;

  constructor(name: string, ...limit: string[]) {
    const cache = name === "-" ? name : join(folder, name);
    const args = [String(TURN), count!, cache, layout, ...limit];
    this.#process = new Deno.Command(Deno.execPath(), {
      args: withStd(std as StdSource, ["run", "-A", member, ...args]),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#turns = this.#process.stdin.getWriter();
    this.#times = this.#process.stdout
      .pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Lets it have its turn; the µs that storing has added to each job. */
  async turn(): Promise<number> {
    await this.#turns.write(new Uint8Array(1));
    let text = "";
    while (!text.endsWith("\n")) {
      const { value } = await this.#times.read();
      if (value === undefined) throw new Error("a program ended too early");
      text += value;
    }
    return Number(text);
  }

  async end(): Promise<void> {
    await this.#turns.close();
    const said = await new Response(this.#process.stderr).text();
    const { success } = await this.#process.status;
    if (!success || said !== "") throw new Error(`a program failed: ${said}`);
  }
}

const programs = {
  bare: new Program("-"),
  within: new Program("within", bytes),
  without: new Program("without"),
};
const names = ["bare", "within", "without"] as const;
// The first turn comes when a program has filled its cache.
for (const name of names) await programs[name].turn();
const sums = { bare: 0, within: 0, without: 0 };
const turns = Number(count) / TURN;
for (let turn = 0; turn < turns; turn++) {
  for (let i = 0; i < names.length; i++) {
    const name = names[(turn + i) % names.length]!;
    sums[name] += await programs[name].turn();
  }
}
for (const name of names) await programs[name].end();
const { bare, within, without } = sums;
console.log(`${(within - bare) / turns} ${(without - bare) / turns}`);
