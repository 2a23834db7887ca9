import { assert, assertEquals, assertMatch } from "@std/assert";
import { FILES, type Program, program } from "./program.ts";

/** The memos of a program; its only one. */
function memoOf({ path }: Program): string {
  const names = Array.from(
    Deno.readDirSync(`${path}/cache/code`),
    ({ name }) => name,
  );
  assertEquals(names.length, 1);
  return `${path}/cache/code/${names[0]}`;
}

/** Flags with which a program may do all but start others. */
const NO_RUN = ["--allow-read", "--allow-write", "--allow-env"];

Deno.test("without --allow-run a warning says once what is lost, and auto refuses", async () => {
  await using job = await program();
  const warned = await job.run("warn", { flags: NO_RUN });
  assertEquals(warned.value, 2);
  assertMatch(
    warned.stderr,
    /^hither: changes of what job 1 imports are not noticed, only those of its own text: .*--allow-run=.*\n$/,
  );
  const { name, message } = await job.run("auto", { flags: NO_RUN });
  assertEquals(name, "CodeUnknownError");
  assertMatch(message!, /job 1 .*"auto".*add --allow-run=\//);
  const silent = await job.run("version", { flags: NO_RUN });
  assertEquals([silent.value, silent.stderr], [2, ""]);
});

Deno.test("a program without --allow-run takes what another found out", async () => {
  await using job = await program();
  const flags = [...NO_RUN, "--allow-run=deno"];
  await job.run("auto", { flags });
  const again = await job.run("auto", { flags: NO_RUN });
  assertEquals([again.value, again.cached, again.stderr], [2, true, ""]);
});

Deno.test("a damaged memo is not believed", async (t) => {
  await using job = await program();
  await job.run("auto");
  const path = memoOf(job);
  const whole = await Deno.readTextFile(path);
  const digest = whole.match(/"digest":"([0-9a-f]{64})"/)![1]!;
  const damages = {
    "cut": whole.slice(0, whole.length / 3),
    "empty": "",
    "no JSON": "\0".repeat(200),
    "another digest": whole.replace(digest, "0".repeat(64)),
    "another question": whole.replace(`"asked":"`, `"asked":"x`),
    "another format": whole.replace(`"format":1`, `"format":0`),
  };
  for (const [name, text] of Object.entries(damages)) {
    await t.step(name, async () => {
      assert(text !== whole);
      await Deno.writeTextFile(path, text);
      const { cached, stderr } = await job.run("auto");
      assertEquals([cached, stderr], [true, ""]);
      const head = JSON.parse((await Deno.readTextFile(path)).split("\n")[0]!);
      assertEquals(head.digest, digest, "the memo was not mended");
    });
  }
});

Deno.test("a file of the same size, written in the same tick of the clock, is seen", async () => {
  await using job = await program();
  const file = `${job.path}/lib/factor.ts`;
  const time = new Date();
  await Deno.utime(file, time, time);
  assertEquals((await job.run("auto")).value, 2);
  // The content changes and none of what the system tells of the file does, but its inner times.
  const handle = await Deno.open(file, { write: true });
  await handle.write(new TextEncoder().encode("export const factor = 3;\n"));
  handle.close();
  await Deno.utime(file, time, time);
  const memo = memoOf(job);
  const [head, ...rest] = (await Deno.readTextFile(memo)).split("\n");
  const parsed = JSON.parse(head!);
  const now = await Deno.stat(file);
  for (const watched of parsed.files) {
    if (watched[0] === file) watched[3] = now.ctime!.getTime();
  }
  await Deno.writeTextFile(memo, [JSON.stringify(parsed), ...rest].join("\n"));
  const changed = await job.run("auto");
  assertEquals([changed.cached, changed.value], [false, 3]);
});

Deno.test("a folder that something came into is trusted again, until a configuration comes into it", async () => {
  // What was written an hour ago by the clock of the program is not doubted.
  await using job = await program({
    "main.ts": `import "./later.ts";\n${FILES["main.ts"]}`,
    "later.ts": "const now = Date.now;\nDate.now = () => now() + 3_600_000;\n",
  });
  const watched = async (folder: string) => {
    const head = JSON.parse(
      (await Deno.readTextFile(memoOf(job))).split("\n")[0]!,
    );
    const paths = head.files.map(([path]: [string]) => path);
    const [[, , time]] = head.folders.find(([[path]]: [[string]]) =>
      path === folder
    );
    return { paths, time };
  };
  const folder = await Deno.realPath(job.path);
  await job.run("auto");
  // Now the files are trusted.
  assertEquals((await job.run("auto")).cached, true);
  await job.write("note.txt", "of no importance");
  assertEquals((await job.run("auto")).cached, true);
  const { time } = await watched(folder);
  assertEquals(time, (await Deno.stat(folder)).mtime!.getTime());
  const { ino } = await Deno.stat(memoOf(job));
  assertEquals((await job.run("auto")).cached, true);
  assertEquals((await Deno.stat(memoOf(job))).ino, ino, "written in vain");
  await job.write("deno.json", "{}");
  await job.run("auto");
  const { paths } = await watched(folder);
  assert(paths.includes(`${folder}/deno.json`), "not seen");
});

Deno.test("a read-only cache works, and nothing is written to it", async () => {
  await using job = await program();
  await job.run("auto");
  const memo = memoOf(job);
  await Deno.remove(memo);
  const env = { READONLY: "yes" };
  const { cached, stderr } = await job.run("auto", { env });
  assertEquals([cached, stderr], [true, ""]);
  assertEquals(
    await Array.fromAsync(Deno.readDir(`${job.path}/cache/code`)),
    [],
  );
  await job.write("lib/factor.ts", "export const factor = 3;\n");
  const changed = await job.run("auto", { env });
  assertEquals([changed.cached, changed.value], [false, 3]);
});
