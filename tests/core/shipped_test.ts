// Functions that no module holds: `deno eval`, standard input, the REPL.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { ROOT, stdArguments } from "../house/run.ts";

const HEAD = `import * as hi from ${
  JSON.stringify(new URL("../../mod.ts", import.meta.url).href)
};\n`;

/** Gives a program to deno on its standard input. */
async function deno(args: string[], input: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args.slice(0, 1), ...stdArguments(), ...args.slice(1)],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { stdout, stderr } = await child.output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

const run = (body: string) =>
  deno(["run", "-A", "--no-check", "-"], HEAD + body);

Deno.test("a function from standard input runs in a worker with its imports and values", async () => {
  const text = await run(`
const scale = hi.func("scale", "1", (x) => x * k, { values: { k: 4 } });
const slow = hi.func("slow", "1", async (x) => { await delay(1); return typeof hi.func + x; }, {
  imports: { delay: "jsr:@std/async@^1/delay" },
});
await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 2 });
await hi.config({ jobHandler }, async () => {
  console.log(...await Promise.all(scale.map([1, 2, 3])), await slow.run("!"));
});
`);
  assertEquals(text, "4 8 12 function!\n");
});

Deno.test("a method can be shipped as well", async () => {
  const text = await run(`
const { double } = { double(x) { return 2 * x; } };
const f = hi.func("double", "1", double);
await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
await hi.config({ jobHandler }, async () => console.log(await f.run(21)));
`);
  assertEquals(text, "42\n");
});

Deno.test("names that a worker would not know are an error where the function is defined", async () => {
  const text = await run(`
const k = 3, other = 4;
try {
  hi.func("scale", "1", (x) => {
    const mine = 1;
    return x * k + other + mine + fetch.length;
  });
} catch (error) {
  console.log(error.name, error.names.join(), error.message);
}
`);
  assertStringIncludes(text, "FreeVariableError k,other ");
  assertStringIncludes(text, '"return x * k + other + mine + fetch.length;"');
});

Deno.test("a bound function has no text to ship", async () => {
  const text = await run(`
try { hi.func("bound", "1", (function () {}).bind(null)); } catch (error) { console.log(error.message); }
`);
  assertStringIncludes(text, "native or bound");
});

Deno.test("other values are another key, another definition replaces the first", async () => {
  const text = await run(`
const one = hi.func("scale", "1", (x) => x * k, { values: { k: 1 } });
const a = one.run(5);
await a;
const two = hi.func("scale", "1", (x) => x * k, { values: { k: 2 } });
const b = two.run(5);
await b;
console.log(a.key === b.key);
`);
  assertEquals(text, "false\n");
});

Deno.test("deno eval works too", async () => {
  const program = HEAD + `
const add = hi.func("add", "1", (a, b) => a + b);
await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
console.log(await hi.config({ jobHandler }, () => add.run(1, add.run(2, 3))));
`;
  assertEquals(await deno(["eval", program], ""), "6\n");
});
