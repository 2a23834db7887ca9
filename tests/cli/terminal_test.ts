import { assert, assertEquals, assertMatch } from "@std/assert";
import * as hi from "@hither/hither";
import { temporaryFolder } from "../house/run.ts";
import { commandLine, makeCache } from "./support.ts";

/** The command as one word of a shell. */
const HITHER = [Deno.execPath(), ...commandLine()].map((word) => `'${word}'`)
  .join(" ");

async function bash(
  script: string,
  env: Record<string, string> = {},
): Promise<string> {
  const { NO_COLOR: _, ...inherited } = Deno.env.toObject();
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", script],
    clearEnv: true,
    env: { ...inherited, HITHER: HITHER, ...env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assertEquals([code, decoder.decode(stderr)], [0, ""]);
  return decoder.decode(stdout);
}

/** Runs a shell command in a terminal of 60 columns. */
function inTerminal(
  command: string,
  env: Record<string, string> = {},
): Promise<string> {
  return bash(`script -qec "stty cols 60; $COMMAND" /dev/null`, {
    ...env,
    COMMAND: command,
  });
}

const hasScript = await new Deno.Command("script", { args: ["--version"] })
  .output().then(({ success }) => success, () => {
    console.log("skipped, as there is no script(1) here");
    return false;
  });

Deno.test({
  name: "a terminal gets its width and bold titles, with NO_COLOR plain ones",
  ignore: !hasScript,
  async fn() {
    await using folder = await temporaryFolder();
    await makeCache(folder.path);
    const command = `${HITHER} cache ls --cache ${folder.path}`;
    const shown = await inTerminal(command);
    assert(shown.startsWith("\x1b[1mKEY"), shown);
    const plain = await inTerminal(command, { NO_COLOR: "1" });
    assert(!plain.includes("\x1b"), plain);
    const lines = plain.trimEnd().split("\r\n");
    assertEquals(lines.length, 6);
    for (const line of lines) assert(line.length <= 60, line);
    assertMatch(lines[1]!, /…$/);
  },
});

Deno.test({
  name: "a terminal that does not know its width gets whole lines",
  ignore: !hasScript,
  async fn() {
    await using folder = await temporaryFolder();
    await makeCache(folder.path);
    const said = await bash(
      `script -qec "stty cols 0; ${HITHER} cache ls --cache ${folder.path}" /dev/null`,
    );
    assert(said.includes("ARGUMENTS"), said);
    assert(!said.includes("…\r\n…"), said);
  },
});

Deno.test({
  name:
    "what a job printed moves no cursor in a terminal, and is whole in a pipe",
  ignore: !hasScript,
  async fn() {
    await using folder = await temporaryFolder();
    const loud = hi.func("cli_loud", "1", () => console.log("\x1b[2Jgone"));
    await using jobCache = new hi.JobCache({ path: folder.path });
    const job = loud.with({ jobCache }).run();
    await job;
    const command =
      `${HITHER} cache show ${job.key} --console --cache ${folder.path}`;
    assertEquals(await inTerminal(command), "\\x1b[2Jgone\r\n");
    assertEquals(await bash(command), "\x1b[2Jgone\n");
  },
});

Deno.test("a pipe gets whole lines without colours", async () => {
  await using folder = await temporaryFolder();
  await makeCache(folder.path);
  const said = await bash(`${HITHER} cache ls --cache ${folder.path}`);
  assertMatch(said, /^KEY .*ARGUMENTS\n/);
  assert(said.split("\n").some((line) => line.length > 80), said);
});

Deno.test({
  name: "long work shows a bar on a terminal, and nothing else does",
  ignore: !hasScript,
  async fn() {
    await using folder = await temporaryFolder();
    await makeCache(folder.path);
    const command = `${HITHER} cache verify --cache ${folder.path}`;
    assertMatch(await inTerminal(command), /verify .*█.*100%/s);
    assertMatch(await bash(command), /^5 records/);
  },
});

Deno.test("who reads no further ends the command silently", async () => {
  await using folder = await temporaryFolder();
  const one = hi.func("cli_one_of_many", "1", (x: number) => x);
  {
    await using jobCache = new hi.JobCache({ path: folder.path });
    await hi.config({ jobCache }, async () => {
      one.map(Array.from({ length: 1_000 }, (_, i) => i));
      await hi.wait();
    });
  }
  // 1,000 records in JSON are far more than a pipe holds.
  const said = await bash(
    `set -o pipefail
    ${HITHER} log --limit all --json --cache ${folder.path} | head -n 1`,
  );
  assertEquals(said.split("\n").length, 2);
});
