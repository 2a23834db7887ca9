import { assert, assertEquals, assertMatch } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { temporaryFolder } from "../house/run.ts";
import { hither } from "./support.ts";

const COMMANDS = [
  ["cache"],
  ["cache", "ls"],
  ["cache", "show"],
  ["cache", "stats"],
  ["cache", "verify"],
  ["cache", "gc"],
  ["cache", "rm"],
  ["cache", "pin"],
  ["cache", "unpin"],
  ["cache", "pins"],
  ["explain"],
  ["log"],
  ["lineage"],
  ["completions"],
];

Deno.test("the help of each command has two examples and fits into 80 columns", async () => {
  for (const command of [[], ...COMMANDS]) {
    const { code, stdout, stderr } = await hither([...command, "--help"]);
    assertEquals([code, stderr], [0, ""], command.join(" "));
    assertMatch(stdout, new RegExp(`^Usage: hither ?${command.join(" ")} `));
    const [, examples = ""] = stdout.split("\nExamples:\n");
    assert(examples.match(/^ {2}(?!#).*hither/gm)!.length >= 2, stdout);
    for (const line of stdout.split("\n")) assert(line.length <= 80, line);
  }
});

Deno.test("hither help COMMAND is its help", async () => {
  const asked = await hither(["help", "log"]);
  assertEquals(asked, await hither(["log", "--help"]));
  assertEquals(asked.code, 0);
  const below = await hither(["help", "cache", "ls"]);
  assertEquals(below, await hither(["cache", "ls", "--help"]));
});

Deno.test("the version is that of the package", async () => {
  for (const option of ["--version", "-V"]) {
    const { code, stdout } = await hither([option]);
    assertEquals([code, stdout], [0, `${config.version}\n`]);
  }
});

Deno.test("what cannot be meant ends with 2 and one line that helps", async () => {
  const cases: [args: string[], says: RegExp][] = [
    [["cahe"], /unknown command 'cahe': did you mean cache\?/],
    [["cache", "lss"], /unknown command 'lss': did you mean ls\?/],
    [["log", "--limt", "3"], /unknown option '--limt': did you mean --limit\?/],
    [["cache", "show"], /missing required argument 'key'/],
    [["cache", "ls", "--sort", "name"], /Allowed choices are time, size/],
    [["log", "surplus"], /too many arguments/],
    [["help", "cache", "bogus"], /no command bogus: hither help cache lists/],
    [["help", "log", "ls"], /no command ls: log has no commands below it/],
    [["lineage", "abcd", "--mermaid", "--json"], /leave out --json or/],
    [["cache", "show", "abcd", "--value", "--console"], /leave out --value or/],
    [["completions", "tcsh"], /Allowed choices are bash, zsh, fish/],
    [["cache", "ls", "--cache", ""], /"" as the value of --cache as it must/],
    [["--cache=", "cache", "gc"], /"" as the value of --cache as it must not/],
    [["cache", "gc", "--max-age", "--cache", "x"], /value of --max-age: write/],
    [["cache", "gc", "--max-age", "0"], /must be above 0/],
  ];
  for (const [args, says] of cases) {
    const { code, stdout, stderr } = await hither(args);
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assertMatch(stderr, says);
    assertMatch(stderr, /^hither: .*\n$/);
  }
});

Deno.test("without a command the help is shown, and the exit code is 2", async () => {
  for (const args of [[], ["cache"]]) {
    const { code, stdout, stderr } = await hither(args);
    assertEquals([code, stdout], [2, ""]);
    assertMatch(stderr, /^Usage: hither/);
  }
});

Deno.test("a folder without a cache is told in one line, and is not made into one", async () => {
  await using folder = await temporaryFolder({ "deno.json": "{}" });
  for (
    const args of [
      ["cache", "ls"],
      ["cache", "stats"],
      ["cache", "verify"],
      ["cache", "gc"],
      ["cache", "rm", "abcd"],
      ["cache", "pin", "--label", "a"],
      ["cache", "unpin", "--label", "a"],
      ["log"],
      ["lineage", "abcd"],
    ].flatMap((args) => [args, [...args, "--cache", folder.path]])
  ) {
    const { code, stdout, stderr } = await hither(args, { cwd: folder.path });
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^hither: Cannot open the cache in .*--cache.*\n$/);
  }
  const names = Array.from(Deno.readDirSync(folder.path), ({ name }) => name);
  assertEquals(names, ["deno.json"]);
});
