import { durationOf, runDenoSync } from "../child.ts";
import { inTurn, type Question, type Row } from "../question.ts";

/** The demo as a whole process. */
export const demo: Question = {
  name: "demo",
  measure({ quick, folder }) {
    let round = 0;
    const { cold, second, task, limit } = inTurn(quick ? 1 : 5, {
      cold: () => durationOf("demo.ts", `${folder}/cache${++round}`),
      second: () => durationOf("demo.ts", `${folder}/cache${round}`),
      task: () => taskDemo(`${folder}/task${round}`),
      limit: () => durationOf("limit_demo.ts"),
    });
    const name = "the same sleeps on bare workers";
    const rows: Row[] = [
      {
        name: "demo, whole process, cold",
        unit: "ms",
        measured: cold,
        limit: { name, ...limit },
        promised: "at most 2,200 ms",
      },
      {
        name: "demo, second run with the cache",
        unit: "ms",
        measured: second,
        promised: "at most 200 ms",
      },
      {
        name: "deno task demo, the launcher included, cold",
        unit: "ms",
        measured: task,
        limit: { name, ...limit },
        promised: "at most 2,200 ms",
      },
    ];
    return [...rows, neverCompiled(folder, quick ? 1 : 3)];
  },
};

function taskDemo(cache: string, env: Record<string, string> = {}): number {
  const start = performance.now();
  runDenoSync(["task", "-q", "demo"], { HITHER_CACHE_DIR: cache, ...env });
  return performance.now() - start;
}

/** As on a machine that has the packages but has never run the demo. */
function neverCompiled(folder: string, rounds: number): Row {
  const info = JSON.parse(runDenoSync(["info", "--json"]));
  let round = 0;
  const folders: string[] = [];
  for (let i = 0; i < rounds; i++) {
    const own = `${folder}/deno_dir${i}`;
    Deno.mkdirSync(own);
    for (const name of ["npm", "remote"]) {
      Deno.symlinkSync(`${info.denoDir}/${name}`, `${own}/${name}`);
    }
    folders.push(own);
  }
  const { measured } = inTurn(rounds, {
    measured: () => {
      const DENO_DIR = folders[round]!;
      return taskDemo(`${folder}/never${round++}`, { DENO_DIR });
    },
  });
  return {
    name: "deno task demo, compiled for the first time",
    unit: "ms",
    measured,
  };
}
