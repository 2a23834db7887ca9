import { toFileUrl } from "@std/path";
import { numberOf } from "../child.ts";
import { inTurn, type Question, type Row } from "../question.ts";

const HITHER = new URL("../../mod.ts", import.meta.url);

/** What it costs a process to see that no code has changed. */
export const code: Question = {
  name: "code",
  measure({ quick, folder }) {
    return [1, 200].map((count): Row => {
      const modules = `${folder}/${count}`;
      const graph = toFileUrl(writeGraph(modules, count)).href;
      const cache = `${modules}/cache`;
      const run = (mode: string) =>
        numberOf("code_mode.ts", mode, cache, graph);
      // Files that were just written are read again, until their times can be trusted.
      const end = performance.now() + 3_000;
      while (performance.now() < end) run("warn");
      const { version, warn, limit } = inTurn(quick ? 3 : 15, {
        version: () => run("version"),
        warn: () => run("warn"),
        limit: () => numberOf("limit_stat.ts", count, modules),
      });
      const less = (n: number) => n - version.median;
      return {
        name: `a first hit: what ${count} modules to watch add`,
        unit: "ms",
        measured: {
          median: less(warn.median),
          min: less(warn.min),
          max: less(warn.max),
          count: warn.count,
        },
        limit: { name: `${count} calls of Deno.statSync`, ...limit },
        promised: count === 1 ? "at most 0.3 ms" : "at most 1 ms",
      };
    });
  },
};

/** A module of a function and so many modules that it imports; its path. */
function writeGraph(folder: string, count: number): string {
  Deno.mkdirSync(folder, { recursive: true });
  Deno.writeTextFileSync(`${folder}/deno.json`, "{}");
  const names = Array.from({ length: count }, (_, i) => `m${i}`);
  for (const name of names) {
    Deno.writeTextFileSync(
      `${folder}/${name}.ts`,
      `export const ${name}: number = 1;\n`,
    );
  }
  const path = `${folder}/total.ts`;
  Deno.writeTextFileSync(
    path,
    `import { func } from "${HITHER}";
${names.map((name) => `import { ${name} } from "./${name}.ts";\n`).join("")}
export const total = func("bench_total", "1", (x: number) => x + ${
      names.join(" + ")
    });
`,
  );
  return path;
}
