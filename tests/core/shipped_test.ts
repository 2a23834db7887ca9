// Functions that no module holds: `deno eval`, standard input, the REPL.
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import * as hi from "../../mod.ts";
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

Deno.test("a relative import is meant from the working folder", async () => {
  const text = await run(`
const folder = await Deno.makeTempDir();
await Deno.writeTextFile(folder + "/sub.js", "export const double = (x) => 2 * x;");
const other = await Deno.makeTempDir();
Deno.chdir(folder);
const f = hi.func("f", "1", (x) => double(x), { imports: { double: "./sub.js" } });
const g = hi.func("g", "1", (x) => double(x), { imports: { double: folder + "/sub.js" } });
Deno.chdir(other);
await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
console.log(await f.run(1), await hi.config({ jobHandler }, () => f.run(2)), await g.run(3));
await Deno.remove(folder, { recursive: true });
await Deno.remove(other);
`);
  assertEquals(text, "2 4 6\n");
});

Deno.test("a module as a whole can be imported, hither itself under another name too", async () => {
  const text = await run(`
const f = hi.func("f", "1", (x) => path.join("a", x) + h.current().name, {
  imports: { path: "jsr:@std/path@^1/join", h: ${
    JSON.stringify(new URL("../../mod.ts", import.meta.url).href)
  } },
});
await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
for (const handler of [null, jobHandler]) {
  console.log(await hi.config({ jobHandler: handler }, () => f.run("b")));
}
`);
  assertEquals(text.replaceAll("\\", "/"), "a/bf\na/bf\n");
});

/** What is refused where a function without a module is defined, with what the message must say. */
const REFUSED: Record<string, string> = {
  "(x) => k, { values: [1] }": "values must be a plain object",
  "(x) => k, { values: new Map([['k', 1]]) }": "values must be a plain object",
  "(x) => k, { values: 3 }": "values must be a plain object",
  "(x) => k, { values: { k: 1, 'a-b': 2 } }": 'current value is "a-b"',
  "(x) => k, { values: { k: 1, class: 2 } }": 'current value is "class"',
  "(x) => k, { values: { k: () => 1 } }": "values.k",
  "(x) => k, { imports: 'jsr:@std/async' }": "imports must be a plain object",
  "(x) => k, { imports: { k: 3 } }": "imports.k must be a specifier",
  "(x) => k, { imports: { k: 'jsr:k' }, values: { k: 1 } }":
    "k is both in imports and in values",
  "() => [1].map(() => import.meta.url)": "import.meta, used in",
  "class Model {}": "is a class",
  "class {}": "is a class",
  "function* () {}": "is a generator",
  "async function* numbers() {}": "Array.from(numbers(x))",
};

Deno.test("what a worker could not make is refused where it is defined", async () => {
  const text = await run(
    Object.keys(REFUSED).map((given) => `
try { hi.func("f", "7", ${given}); console.log("taken"); } catch (error) { console.log(error.message); }
`).join(""),
  );
  for (const [i, says] of Object.values(REFUSED).entries()) {
    assertStringIncludes(text.split("\n")[i]!, says);
  }
});

Deno.test("where the working folder is not to be read, a relative import is refused with the cure", async () => {
  const text = await run(`
Deno.cwd = () => { throw new Deno.errors.NotCapable("no"); };
try {
  hi.func("f", "1", () => k(), { imports: { k: "./k.js" } });
} catch (error) { console.log(error.name, error.message); }
`);
  assertStringIncludes(text, "TypeError");
  assertStringIncludes(text, "imports.k must be a full URL");
});

for (const given of [{ imports: { k: "jsr:@std/async" } }, { values: {} }]) {
  Deno.test(`a function that has a module needs no ${Object.keys(given)}`, () => {
    const error = assertThrows(
      () => hi.func("shipped_not", "1", () => 1, given),
      TypeError,
    );
    assertStringIncludes(error.message, import.meta.url);
    assertStringIncludes(error.message, "at the top of the module");
  });
}

Deno.test("a class or a generator is refused, also in a module; a method called class is not", () => {
  class Model {}
  const fns = [Model, function* () {}, async function* () {}];
  for (const [i, fn] of fns.entries()) {
    const define = () =>
      hi.func(`shipped_kind_${i}`, "1", fn as unknown as () => unknown);
    assertThrows(define, TypeError, "current value is a");
  }
  const { class: method } = { class: () => 1 };
  const other = { class() {} };
  assertEquals(hi.func("shipped_kind_4", "1", method)(), 1);
  assertEquals(hi.func("shipped_kind_5", "1", other.class)(), undefined);
});
