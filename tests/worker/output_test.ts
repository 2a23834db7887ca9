import { assert, assertEquals } from "@std/assert";
import type { ConsoleLine } from "../../mod.ts";
import { Output, OutputGate } from "../../lib/worker/output.ts";

const KEPT = 2 ** 20;

/** Prints so many lines, every tenth of them as an error, and collects what is passed on. */
function printed(lines: number, length: number): [ConsoleLine[], string] {
  const sent: ConsoleLine[] = [];
  const output = new Output((line) => sent.push(line));
  let whole = "";
  for (let i = 0; i < lines; i++) {
    const text = `${i}`.padEnd(length - 1) + "\n";
    output.add({ stream: i % 10 === 0 ? "stderr" : "stdout", text, time: i });
    whole += text;
  }
  output.flush();
  return [sent, whole];
}

Deno.test("as long as output is kept, each line goes at once and as it is", () => {
  const [sent, whole] = printed(KEPT / 64, 64);
  assertEquals(sent.length, KEPT / 64);
  assertEquals(sent.map(({ text }) => text).join(""), whole);
});

Deno.test("what nobody keeps travels together, whole and in order, each stream for itself", () => {
  const [sent, whole] = printed(10 * KEPT / 64, 64);
  assertEquals(sent.map(({ text }) => text).join("") === whole, true);
  assert(sent.length < 0.3 * 10 * KEPT / 64, `${sent.length} messages`);
  for (const { stream, text } of sent) {
    const isError = (line: string): boolean => Number(line) % 10 === 0;
    const lines = text.trimEnd().split("\n");
    assert(lines.every((line) => isError(line) === (stream === "stderr")));
  }
});

Deno.test("what travels together does not wait for more", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const sent: string[] = [];
  const output = new Output(({ text }) => {
    sent.push(text);
    if (sent.length === 2) resolve(text);
  });
  output.add({ stream: "stdout", text: "x".repeat(KEPT), time: 0 });
  output.add({ stream: "stdout", text: "the last\n", time: 0 });
  assertEquals(sent.length, 1);
  assertEquals(await promise, "the last\n");
});

Deno.test("a thread waits at a gate until what it has sent was taken, or nobody takes any more", async () => {
  const source = `
    import { OutputGate } from "${new URL(
    "../../lib/worker/output.ts",
    import.meta.url,
  )}";
    onmessage = ({ data }) => {
      const gate = new OutputGate(data);
      for (let i = 1; i <= 5_000; i++) {
        gate.enter();
        postMessage(i);
      }
      postMessage("through");
    };
  `;
  const url = URL.createObjectURL(
    new Blob([source], { type: "text/typescript" }),
  );
  for (const opens of [false, true]) {
    const gate = new OutputGate();
    const worker = new Worker(url, { type: "module" });
    const { promise, resolve } = Promise.withResolvers<void>();
    let taken = 0;
    let most = 0;
    worker.onmessage = ({ data }) => {
      if (data === "through") return resolve();
      most = Math.max(most, data - taken);
      taken++;
      if (!opens) gate.leave();
      else if (data === 1_000) gate.open();
    };
    worker.postMessage(gate.buffer);
    await promise;
    worker.terminate();
    assertEquals(taken, 5_000);
    assert(most <= 1_000, `${most}`);
  }
  URL.revokeObjectURL(url);
});
