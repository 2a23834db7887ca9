import { assertEquals, assertMatch } from "@std/assert";
import { temporaryFolder } from "../house/run.ts";
import { commandLine, hither, makeCache } from "./support.ts";

/** The values that the command offers for the last word. */
async function offered(words: string[], cwd?: string): Promise<string[]> {
  const { code, stdout, stderr } = await hither(
    ["complete", "--", ...words],
    cwd === undefined ? {} : { cwd },
  );
  assertEquals([code, stderr], [0, ""]);
  return stdout.split("\n").filter(Boolean).map((line) => line.split("\t")[0]!);
}

/** A folder with a `hither` to be found on PATH. */
async function installed() {
  const quoted = [Deno.execPath(), ...commandLine()].map((word) =>
    `'${word.replaceAll("'", `'\\''`)}'`
  );
  const folder = await temporaryFolder({
    hither: `#!/bin/sh\nexec ${quoted.join(" ")} "$@"\n`,
    "project/deno.json": "{}",
  });
  await Deno.chmod(`${folder.path}/hither`, 0o755);
  const keys = await makeCache(`${folder.path}/project/.hither`);
  return Object.assign(folder, { keys });
}

/** What a shell says to a program in it. */
async function shell(
  folder: { path: string },
  [command, ...args]: string[],
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command!, {
    args,
    cwd: `${folder.path}/project`,
    env: {
      PATH: `${folder.path}:${Deno.env.get("PATH")}`,
      HITHER_CACHE_DIR: "",
      HOME: folder.path,
    },
    stdin: "null",
  }).output();
  const [said, trouble] = [stdout, stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  assertEquals([code, trouble], [0, ""]);
  return said!;
}

function isInstalled(command: string): boolean {
  try {
    return new Deno.Command(command, { args: ["--version"], stdout: "null" })
      .outputSync().success;
  } catch {
    console.log(`skipped, as there is no ${command} here`);
    return false;
  }
}

Deno.test("commands, options and choices complete", async () => {
  assertEquals(await offered(["ca"]), ["cache"]);
  assertEquals(await offered(["--json", "cache", "st"]), ["stats"]);
  assertEquals(await offered(["cache", "unp"]), ["unpin"]);
  assertEquals(await offered(["log", "--fa"]), ["--failed"]);
  assertEquals(await offered(["cache", "ls", "--sort", "d"]), ["duration"]);
  assertEquals(await offered(["completions", ""]), ["bash", "zsh", "fish"]);
  assertEquals(await offered(["log", "--limit", ""]), []);
  assertEquals(await offered(["cache", "ls", "--sort=d"]), ["--sort=duration"]);
  // As bash takes words apart.
  const sort = ["cache", "ls", "--sort", "="];
  assertEquals(await offered([...sort, "d"]), ["duration"]);
  assertEquals((await offered(sort)).length, 4);
});

Deno.test("where a path is meant, the shell is asked", async () => {
  assertEquals(await offered(["cache", "ls", "--cache", "/t"]), [":folders"]);
  assertEquals(await offered(["explain", "mai"]), [":files"]);
  assertEquals(await offered(["explain", "main.ts", "data"]), [":files"]);
});

Deno.test("functions and keys complete from the cache", async () => {
  await using folder = await temporaryFolder({ "deno.json": "{}" });
  const { path } = folder;
  const { total } = await makeCache(`${path}/.hither`);
  assertEquals(await offered(["log", "--function", "cli_"], path), [
    "cli_fails",
    "cli_half",
    "cli_large",
    "cli_total",
  ]);
  assertEquals(
    await offered(["cache", "show", total.slice(0, 6)], path),
    [total.slice(0, 12)],
  );
  assertEquals(
    await offered(["--cache", `${path}/.hither`, "lineage", total.slice(0, 6)]),
    [total.slice(0, 12)],
  );
  assertEquals((await offered(["cache", "rm", total, ""], path)).length, 5);
});

Deno.test("without a cache nothing is offered, and nothing is said", async () => {
  await using folder = await temporaryFolder({ "deno.json": "{}" });
  assertEquals(await offered(["cache", "show", ""], folder.path), []);
});

Deno.test("bash completes by the script, and runs nothing that stands in the line", async () => {
  await using folder = await installed();
  const complete = (line: string[], at = line.length - 1) =>
    shell(folder, [
      "bash",
      "-uc",
      `source <(hither completions bash)
      COMP_WORDS=("$@") COMP_CWORD=${at}
      _hither
      printf '%s\\n' "\${COMPREPLY[@]}"`,
      "bash",
      ...line,
    ]);
  assertEquals(await complete(["hither", "cac"]), "cache\n");
  // The cursor may stand in the middle of the line.
  assertEquals(await complete(["hither", "cac", "--json"], 1), "cache\n");
  assertEquals(
    await complete(["hither", "log", "--function", "cli_t"]),
    "cli_total\n",
  );
  assertEquals(
    await complete(["hither", "lineage", folder.keys.total.slice(0, 6)]),
    `${folder.keys.total.slice(0, 12)}\n`,
  );
  assertEquals(
    await complete(["hither", "log", "--function", "=", "cli_t"]),
    "cli_total\n",
  );
  assertEquals(
    await complete(["hither", "log", "--function", '"cli_t']),
    "cli_total\n",
  );
  await complete(["hither", "$(touch run)", "`touch run`", "ca"]);
  const names = Array.from(
    Deno.readDirSync(`${folder.path}/project`),
    ({ name }) => name,
  );
  assertEquals(names.includes("run"), false);
});

Deno.test("bash registers the completion", async () => {
  await using folder = await installed();
  const said = await shell(folder, [
    "bash",
    "-c",
    "source <(hither completions bash); complete -p hither",
  ]);
  assertMatch(said, /complete .*-F _hither hither/);
});

Deno.test({
  name: "zsh loads its script",
  ignore: !isInstalled("zsh"),
  async fn() {
    await using folder = await installed();
    const said = await shell(folder, [
      "zsh",
      "-fc",
      `autoload -Uz compinit && compinit -u -d ./dump
      source <(hither completions zsh)
      _describe() { print -l -- "\${(@P)2}" }
      words=(hither cache st) CURRENT=3
      _hither
      print $_comps[hither]`,
    ]);
    assertMatch(said, /^stats:count.*\n_hither\n$/);
  },
});

Deno.test({
  name: "fish completes by its script",
  ignore: !isInstalled("fish"),
  async fn() {
    await using folder = await installed();
    const said = await shell(folder, [
      "fish",
      "-c",
      "hither completions fish | source; complete -C 'hither cache st'",
    ]);
    assertMatch(said, /^stats\tcount/);
  },
});
