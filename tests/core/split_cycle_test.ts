// Jobs of several programs with one cache that wait for each other.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { programArguments, temporaryFolder } from "../house/run.ts";
import type { Plan } from "./split_cycle_child.ts";

const CHILD = fromFileUrl(new URL("split_cycle_child.ts", import.meta.url));

/** After that a program hangs, in ms: before it would look again on its own account. */
const DEADLINE = 25_000;

/** Runs a program for each list of jobs; what each said. */
async function runPrograms(
  layout: string,
  workers: number,
  plan: Plan,
  programs: readonly (readonly string[])[],
): Promise<string[][]> {
  await using folder = await temporaryFolder({
    "meeting/.keep": "",
    "cache/waits/.keep": "",
  });
  const cache = JSON.stringify({ path: `${folder.path}/cache`, layout });
  const run = async (names: readonly string[]) => {
    const child = new Deno.Command(Deno.execPath(), {
      args: programArguments(
        CHILD,
        cache,
        `${workers}`,
        folder.path,
        JSON.stringify(plan),
        ...names,
      ),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
    const timer = setTimeout(() => child.kill("SIGKILL"), DEADLINE);
    const { stdout, stderr, signal } = await child.output();
    clearTimeout(timer);
    const decoder = new TextDecoder();
    assertEquals([signal, decoder.decode(stderr)], [null, ""]);
    return decoder.decode(stdout).trimEnd().split("\n");
  };
  const said = await Promise.all(programs.map(run));
  // Nothing is left of that.
  const left = Deno.readDirSync(`${folder.path}/cache/waits`);
  assertEquals(Array.from(left, ({ name }) => name), [".keep"]);
  return said;
}

for (const layout of ["sqlite", "files"]) {
  for (const workers of [0, 3]) {
    const where = `${
      workers === 0 ? "in their own threads" : "on workers"
    }, ${layout}`;

    Deno.test(`jobs of two programs that wait for each other fail with a CycleError (${where})`, async () => {
      const said = await runPrograms(layout, workers, {
        f: { needs: ["g"], after: ["g"] },
        g: { needs: ["f"], after: ["f"] },
      }, [["f"], ["g"]]);
      const lines = said.flat();
      for (const line of lines) assertMatch(line, /^CycleError: /);
      // At least one found it out with the other, and tells which of the jobs it is.
      const keys = lines.map((line) => line.slice(-65, -1));
      const elsewhere = lines.filter((line) =>
        line.includes("another program")
      );
      assert(elsewhere.length > 0);
      for (const line of elsewhere) {
        const named =
          /^CycleError: Cannot run split_cycle_need 1 \(key (.{12})\)/
            .exec(line)?.[1];
        assert(keys.some((key) => key.startsWith(named!)), line);
      }
    });

    Deno.test(`so do jobs of three programs (${where})`, async () => {
      const said = await runPrograms(layout, workers, {
        f: { needs: ["g"], after: ["g", "h"] },
        g: { needs: ["h"], after: ["f", "h"] },
        h: { needs: ["f"], after: ["f", "g"] },
      }, [["f"], ["g"], ["h"]]);
      for (const [line] of said) assertMatch(line!, /^CycleError: /);
    });

    Deno.test(`jobs that wait for another program, which waits for a third one, finish (${where})`, async () => {
      const said = await runPrograms(layout, workers, {
        f: { needs: ["g"], after: ["g", "h"] },
        g: { needs: ["h"], after: ["f", "h"] },
        h: { needs: [], after: ["f", "g"] },
      }, [["f"], ["g"], ["h"]]);
      assertEquals(said, [["f(g(h()))"], ["g(h())"], ["h()"]]);
    });

    Deno.test(`a job of another program may wait for one that has submitted it and does not await it (${where})`, async () => {
      const said = await runPrograms(layout, workers, {
        f: { starts: ["g"], needs: [], after: ["g"], programs: 1 },
        g: { needs: ["f"], after: ["f"] },
      }, [["f"], ["g"]]);
      assertEquals(said, [["f()"], ["g(f())"]]);
    });

    Deno.test(`if that awaits it later, it closes the circle (${where})`, async () => {
      const said = await runPrograms(layout, workers, {
        f: { starts: ["g"], needs: ["g"], after: ["g"], programs: 1 },
        g: { needs: ["f"], after: ["f"] },
      }, [["f"], ["g"]]);
      for (const line of said.flat()) assertMatch(line, /^CycleError: /);
    });

    Deno.test(`a job that joins one which waits for another program can close the circle (${where})`, async () => {
      const said = await runPrograms(layout, workers, {
        f: { needs: ["g"], after: ["g"] },
        g: { needs: ["h"], after: ["f", "h"] },
        h: { needs: ["f"], after: ["g"], programs: 2 },
      }, [["f", "h"], ["g"]]);
      for (const line of said.flat()) assertMatch(line, /^CycleError: /);
    });
  }
}
