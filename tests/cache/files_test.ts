import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import * as hi from "../../mod.ts";
import { sha256Hex } from "../../lib/value/sha256.ts";
import { deno, ROOT, stdArguments, temporaryFolder } from "../house/run.ts";
import { withoutPrivileges } from "./children.ts";
import * as fixtures from "./fixtures/files.ts";
import { captureWarnings, filesOf, testBoth } from "./support.ts";

const { write, writeProgram, nested, fill, lengthOf, namesOf, upper, spoil } =
  fixtures;

/** What a test gets: a folder for files, and a cache elsewhere. */
interface Place {
  readonly path: string;
  readonly jobCache: hi.JobCache;
}

/** A test that runs with each handler, and with each layout of the cache. */
function onEachHandler(
  name: string,
  body: (place: Place) => Promise<void>,
): void {
  const inProcess = () => new hi.DefaultJobHandler();
  const inWorkers = () => new hi.ParallelJobHandler({ numWorkers: 2 });
  for (
    const [where, make, layout] of [
      ["in this process", inProcess, "sqlite"],
      ["in workers", inWorkers, "sqlite"],
      ["with a file for each record", inProcess, "files"],
    ] as const
  ) {
    Deno.test(`${name}, ${where}`, async () => {
      await using files = await temporaryFolder();
      await using cache = await temporaryFolder();
      await using jobHandler = make();
      await using jobCache = new hi.JobCache({ path: cache.path, layout });
      await hi.config(
        { jobHandler, jobCache },
        () => body({ path: files.path, jobCache }),
      );
    });
  }
}

/** Where the blob with a content is. */
function blobOf({ jobCache }: Place, content: string): string {
  const digest = sha256Hex(new TextEncoder().encode(content));
  return `${jobCache.path}/blobs/${digest.slice(0, 2)}/${digest.slice(2)}`;
}

const statOf = (path: string) => {
  const { ino, mtime } = Deno.statSync(path);
  return [ino, mtime?.getTime()];
};

onEachHandler(
  "a file of a result is restored where it is missing",
  async ({ path }) => {
    const target = `${path}/deep/er/a b ünï.txt`;
    const file = await write.run(target, "hello");
    assertInstanceOf(file, hi.FileReference);
    assertEquals([file.path, file.text()], [target, "hello"]);
    await Deno.remove(`${path}/deep`, { recursive: true });
    const job = write.run(target, "hello");
    const again = await job;
    assert(job.cached);
    assertEquals({ ...again }, { ...file });
    assertEquals(Deno.readTextFileSync(target), "hello");
    assertEquals(filesOf(path), ["deep/er/a b ünï.txt"]);
  },
);

onEachHandler(
  "a file of a result is restored where it was edited, and left alone where it was not",
  async ({ path }) => {
    const target = `${path}/a`;
    await write.run(target, "hello");
    const before = statOf(target);
    const untouched = write.run(target, "hello");
    await untouched;
    assert(untouched.cached);
    assertEquals(statOf(target), before);
    for (const edit of ["hullo", "longer than before", ""]) {
      Deno.writeTextFileSync(target, edit);
      const job = write.run(target, "hello");
      assertEquals((await job).text(), "hello");
      assert(job.cached);
    }
  },
);

onEachHandler(
  "files of any size come back, and may be executed as before",
  async ({ path }) => {
    for (const size of [0, 1, 65_536, 5_000_000]) {
      const target = `${path}/${size}`;
      const { digest } = await writeProgram.run(target, size);
      const content = Deno.readFileSync(target);
      Deno.removeSync(target);
      const job = writeProgram.run(target, size);
      assertEquals((await job).digest, digest);
      assert(job.cached);
      assertEquals(sha256Hex(Deno.readFileSync(target)), sha256Hex(content));
      assertEquals(Deno.statSync(target).mode! & 0o111, 0o111);
      Deno.chmodSync(target, 0o644);
      await writeProgram.run(target, size);
      assertEquals(Deno.statSync(target).mode! & 0o111, 0o111);
    }
  },
);

onEachHandler("files stand anywhere in a result", async ({ path }) => {
  const names = ["in array", "shared", "ünï codé"];
  await nested.run(path);
  assertEquals(filesOf(path), names);
  for (const { name } of [...Deno.readDirSync(path)]) {
    Deno.removeSync(`${path}/${name}`);
  }
  const job = nested.run(path);
  const result = await job as Map<string, {
    [0]: hi.FileReference;
    [1]: hi.FileReference;
    deep: Set<hi.FileReference>;
    shared: hi.FileReference;
  }>;
  assert(job.cached);
  assertEquals(filesOf(path), names);
  assertEquals(result.get("array")![0].text(), "in array");
  assert(result.get("array")![1] === result.get("object")!.shared);
  assertEquals([...result.get("object")!.deep][0]!.text(), "ünï codé");
});

onEachHandler(
  "editing a restored file leaves the cache as it is",
  async (place) => {
    const target = `${place.path}/a`;
    await write.run(target, "hello");
    Deno.removeSync(target);
    await write.run(target, "hello");
    // In place, as an editor may do: a link would pass it on.
    using file = Deno.openSync(target, { write: true });
    file.writeSync(new TextEncoder().encode("JELLO"));
    assertEquals(Deno.readTextFileSync(blobOf(place, "hello")), "hello");
    const job = write.run(target, "hello");
    assertEquals((await job).text(), "hello");
    assert(job.cached);
  },
);

onEachHandler(
  "two results may name one path, and each is there when it is awaited",
  async ({ path }) => {
    const target = `${path}/a`;
    const one = write.run(target, "one");
    await one;
    const two = write.run(target, "two");
    assertEquals((await two).text(), "two");
    const [again, other] = [write.run(target, "one"), write.run(target, "two")];
    assertEquals((await again).text(), "one");
    assertEquals((await other).text(), "two");
    assert(again.cached && other.cached);
  },
);

onEachHandler(
  "of a cached pipeline the last file alone is restored",
  async ({ path }) => {
    const run = () => {
      const first = write.run(`${path}/first`, "text");
      const second = upper.run(first, `${path}/second`);
      return [first, second, upper.run(second, `${path}/third`)];
    };
    await run()[2];
    for (const name of filesOf(path)) Deno.removeSync(`${path}/${name}`);
    const jobs = run();
    assertEquals((await jobs[2]!).text(), "TEXT");
    assertEquals(jobs.map(({ cached }) => cached), [true, true, true]);
    assertEquals(filesOf(path), ["third"]);
  },
);

onEachHandler(
  "a file that a running job reads is restored before",
  async ({ path }) => {
    const target = `${path}/a`;
    await write.run(target, "hello");
    for (
      const spoilt of [
        () => Deno.removeSync(target),
        () => Deno.writeTextFileSync(target, "x"),
      ]
    ) {
      spoilt();
      const job = lengthOf.with({ forceRun: true }).run(
        write.run(target, "hello"),
      );
      assertEquals(await job, 5);
    }
  },
);

onEachHandler(
  "a file counts by its content in the keys of dependents",
  async ({ path }) => {
    await lengthOf.run(write.run(`${path}/a`, "hello"));
    const other = lengthOf.run(write.run(`${path}/b`, "hello"));
    await other;
    assert(other.cached);
    const direct = lengthOf.run(hi.file(`${path}/b`));
    await direct;
    assert(direct.cached);
  },
);

onEachHandler(
  "a result whose file changed or went before it was stored is an error, and not stored",
  async ({ path, jobCache }) => {
    const target = `${path}/a`;
    for (const how of ["change", "remove"] as const) {
      const error = await assertRejects(
        () => spoil.run(target, how).then(),
        hi.FileChangedError,
      );
      assertStringIncludes(error.message, target);
    }
    assertEquals(jobCache.stats().records, 0);
    assertEquals(jobCache.stats().blobs, 0);
    await spoil.run(target, "keep");
    assertEquals(jobCache.stats().records, 1);
    // Also where the cache has that content already, and where there is much of it.
    for (const how of ["change", "remove"] as const) {
      for (const length of [6, 3_000_000]) {
        await assertRejects(
          () => spoil.run(`${path}/b`, how, length).then(),
          hi.FileChangedError,
        );
      }
    }
    assertEquals(jobCache.stats().records, 1);
  },
);

onEachHandler(
  "a job whose argument changes while it runs is an error, and not stored",
  async ({ path, jobCache }) => {
    const { changeArgument } = fixtures;
    const target = `${path}/in/a`;
    Deno.mkdirSync(`${path}/in`);
    Deno.writeTextFileSync(target, "one");
    for (const text of ["two", "longer"]) {
      for (
        const argument of [() => hi.file(target), () => hi.folder(`${path}/in`)]
      ) {
        Deno.writeTextFileSync(target, "one");
        const error = await assertRejects(
          () => changeArgument.run(target, argument(), text).then(),
          hi.FileChangedError,
        );
        assertStringIncludes(
          error.message,
          `${target} has changed while files_change_argument ran`,
        );
      }
    }
    const added = await assertRejects(
      () =>
        changeArgument.run(`${path}/in/b`, hi.folder(`${path}/in`), "new")
          .then(),
      hi.FileChangedError,
    );
    assertStringIncludes(added.message, `${path}/in/b is new`);
    assertEquals(jobCache.stats().records, 0);
    // What it writes is what was there.
    Deno.writeTextFileSync(target, "one");
    assertEquals(
      await changeArgument.run(target, hi.file(target), "one"),
      "one",
    );
  },
);

onEachHandler(
  "a job whose argument has changed since .run() is an error",
  async ({ path }) => {
    const target = `${path}/a`;
    Deno.writeTextFileSync(target, "one");
    const job = lengthOf.run(hi.file(target));
    Deno.writeTextFileSync(target, "two");
    const error = await assertRejects(() => job.then(), hi.FileChangedError);
    assertStringIncludes(error.message, `${target} has changed since`);
    const gone = lengthOf.run(hi.file(target));
    Deno.removeSync(target);
    assertStringIncludes(
      (await assertRejects(() => gone.then(), hi.FileChangedError)).message,
      `${target} is gone since`,
    );
  },
);

onEachHandler(
  "a damaged or lost blob costs a run, no wrong file",
  async (place) => {
    using warnings = captureWarnings();
    const target = `${place.path}/a`;
    for (
      const damage of [
        (blob: string) => Deno.writeTextFileSync(blob, "jello"),
        (blob: string) => Deno.writeTextFileSync(blob, "short"),
        (blob: string) => Deno.writeTextFileSync(blob, "l"),
        (blob: string) => Deno.removeSync(blob),
      ]
    ) {
      await write.run(target, "hello");
      damage(blobOf(place, "hello"));
      Deno.removeSync(target);
      const job = write.run(target, "hello");
      assertEquals((await job).text(), "hello");
      assert(!job.cached);
      Deno.removeSync(target);
      // What was stored again is whole.
      const healed = write.run(target, "hello");
      assertEquals((await healed).text(), "hello");
      assert(healed.cached);
      // Also for a job that reads the file, and for who does not wait.
      damage(blobOf(place, "hello"));
      Deno.removeSync(target);
      assertEquals(
        await lengthOf.with({ forceRun: true }).run(write.run(target, "hello")),
        5,
      );
      damage(blobOf(place, "hello"));
      Deno.removeSync(target);
      const last = write.run(target, "hello");
      await hi.wait();
      assertThrows(() => last.getResult(), hi.ResultLostError);
      await last;
    }
    assertStringIncludes(warnings.lines[0] ?? "", "its job is run again");
  },
);

onEachHandler(
  "a damaged blob of a large file costs a run as well",
  async ({ path, jobCache }) => {
    using warnings = captureWarnings();
    const target = `${path}/large`;
    const { digest } = await writeProgram.run(target, 3_000_000);
    const blob = `${jobCache.path}/blobs/${digest.slice(0, 2)}/${
      digest.slice(2)
    }`;
    using file = Deno.openSync(blob, { write: true });
    file.seekSync(2_000_000, Deno.SeekMode.Start);
    file.writeSync(new Uint8Array([1, 2, 3]));
    Deno.removeSync(target);
    const job = writeProgram.run(target, 3_000_000);
    assertEquals((await job).bytes().length, 3_000_000);
    assert(!job.cached);
    assertEquals(filesOf(path), ["large"]);
    assertStringIncludes(warnings.lines[0] ?? "", "its job is run again");
  },
);

onEachHandler(
  "a folder of a result is restored: files, empty folders, what may be executed",
  async ({ path }) => {
    const target = `${path}/out`;
    const names = ["a", "b c", "ünï"];
    const folder = await fill.run(target, names);
    assertInstanceOf(folder, hi.FolderReference);
    assertEquals(folder.count, 6);
    const restored = async () => {
      const job = fill.run(target, names);
      const again = await job;
      assert(job.cached);
      assertEquals(again.digest, folder.digest);
      assertEquals(hi.folder(target).digest, folder.digest);
      assertEquals(Array.from(again.files(), (file) => file.text()), [
        "a",
        "b c",
        "#!/bin/sh\n",
        "ünï",
      ]);
    };
    await restored();
    Deno.removeSync(target, { recursive: true });
    await restored();
    Deno.removeSync(`${target}/empty`, { recursive: true });
    Deno.writeTextFileSync(`${target}/a`, "edited");
    Deno.chmodSync(`${target}/run.sh`, 0o600);
    await restored();
  },
);

onEachHandler(
  "a folder that holds something else too is not touched: its job runs again",
  async ({ path }) => {
    const target = `${path}/out`;
    await fill.run(target, ["a"]);
    await fill.run(target, ["b"]);
    const job = fill.run(target, ["a"]);
    await hi.wait();
    const error = assertThrows(() => job.getResult(), hi.ResultLostError);
    assertStringIncludes(error.message, `${target}/b`);
    using warnings = captureWarnings();
    assert((await job).has("a"));
    assertEquals(warnings.lines.length, 1);
    assertStringIncludes(warnings.lines[0]!, `is run again: ${error.message}`);
    assertEquals(filesOf(target), ["a", "run.sh"]);
    assertEquals(await namesOf.run(fill.run(target, ["b"])), [
      "b",
      "empty",
      "run.sh",
    ]);
  },
);

const addTo = hi.func("files_add_to", "1", (folder: string, name: string) => {
  Deno.mkdirSync(folder, { recursive: true });
  Deno.writeTextFileSync(`${folder}/${name}`, name);
  return hi.folder(folder);
});

testBoth(
  "what came into the folder of a result from elsewhere is told, and is part of the next result of a function that does not empty its folder",
  async (layout) => {
    await using files = await temporaryFolder();
    await using cache = await temporaryFolder();
    await using jobCache = new hi.JobCache({ path: cache.path, layout });
    const target = `${files.path}/out`;
    await hi.config({ jobCache }, async () => {
      assertEquals((await addTo.run(target, "a")).count, 1);
      Deno.writeTextFileSync(`${target}/stray`, "");
      using warnings = captureWarnings();
      const again = await addTo.run(target, "a");
      assertEquals([again.count, again.has("stray")], [2, true]);
      assertEquals(warnings.lines.length, 1);
      assertStringIncludes(
        warnings.lines[0]!,
        `Cannot restore the folder around ${target}/stray as it did not hold that: move it elsewhere, or await the job to run it again, whose result then holds it too unless the function empties the folder first`,
      );
      // That is the result from now on.
      const hit = addTo.run(target, "a");
      assertEquals([(await hit).count, hit.cached], [2, true]);
    });
  },
);

testBoth(
  "a folder that holds the cache cannot be a result, and the error names the cure",
  async (layout) => {
    await using folder = await temporaryFolder({ "data/a.txt": "a" });
    const { path } = folder;
    await using jobCache = new hi.JobCache({ path: `${path}/cache`, layout });
    await hi.config({ jobCache }, async () => {
      for (const target of [path, `${path}/cache`, `${path}/cache/../`]) {
        for (let i = 0; i < 2; i++) {
          const error = await assertRejects(
            () => addTo.run(target, "b").wait(),
            hi.FileChangedError,
            `as it holds the cache in ${path}/cache, which changes as jobs run: keep the cache outside of the folder`,
          );
          assertStringIncludes(error.message, "Cannot keep ");
        }
      }
      assertEquals(jobCache.stats().records, 0);
      assertEquals((await addTo.run(`${path}/data`, "b")).count, 2);
      assertEquals((await addTo.run(`${path}/cache2`, "b")).count, 1);
    });
  },
);

Deno.test({
  name: "a pipe, a socket or a device is no file, and nothing waits for it",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using folder = await temporaryFolder({ "in/a": "a" });
    const { path } = folder;
    const makePipe = (path: string) =>
      new Deno.Command("mkfifo", { args: [path] }).outputSync();
    makePipe(`${path}/pipe`);
    using _ = Deno.listen({ transport: "unix", path: `${path}/socket` });
    const cases = [
      [`${path}/pipe`, "a pipe"],
      [`${path}/socket`, "a socket"],
      ["/dev/zero", "a device"],
    ] as const;
    for (const [path, what] of cases) {
      for (const look of [hi.file, hi.folder]) {
        assertThrows(
          () => look(path),
          hi.FileNotFoundError,
          `Cannot use ${path} as a ${
            look === hi.file ? "file" : "folder"
          } as it is ${what}`,
        );
      }
    }
    const file = hi.file(`${path}/in/a`);
    const all = hi.folder(`${path}/in`);
    Deno.removeSync(file.path);
    makePipe(file.path);
    for (const one of [file, all.file("a")]) {
      assertThrows(
        () => one.text(),
        hi.FileChangedError,
        `${file.path} is a pipe now, and was a file when hi.file looked at it`,
      );
    }
    for (const job of [lengthOf.run(file), namesOf.run(all)]) {
      await assertRejects(
        () => job.wait(),
        hi.FileChangedError,
        `${file.path} is gone since it was looked at`,
      );
    }
    assertThrows(() => hi.folder(`${path}/in`), hi.FileNotFoundError, "a pipe");
  },
});

onEachHandler("a folder counts by what is in it", async ({ path }) => {
  await namesOf.run(fill.run(`${path}/one`, ["a"]));
  const same = namesOf.run(fill.run(`${path}/two`, ["a"]));
  await same;
  const other = namesOf.run(fill.run(`${path}/three`, ["b"]));
  await other;
  assertEquals([same.cached, other.cached], [true, false]);
});

onEachHandler(
  "without a cache a result refers to its file, and a job that reads another content is an error",
  async ({ path }) => {
    await hi.config({ jobCache: null }, async () => {
      const target = `${path}/a`;
      const job = write.run(target, "hello");
      assertEquals((await job).text(), "hello");
      Deno.writeTextFileSync(target, "other");
      await assertRejects(() => lengthOf.run(job).then(), hi.FileChangedError);
    });
  },
);

onEachHandler(
  "what a folder stands in the way of is not deleted",
  async ({ path }) => {
    const target = `${path}/a`;
    await write.run(target, "hello");
    Deno.removeSync(target);
    Deno.mkdirSync(target);
    const job = write.run(target, "hello");
    using warnings = captureWarnings();
    await assertRejects(() => job.then(), Deno.errors.IsADirectory);
    assertStringIncludes(warnings.lines.join(), `Cannot restore ${target} as`);
    assert(Deno.statSync(target).isDirectory);
  },
);

onEachHandler(
  "what stands in the place of a folder is named, and not deleted",
  async ({ path }) => {
    const below = `${path}/folder/file`;
    await write.run(below, "hello");
    Deno.removeSync(`${path}/folder`, { recursive: true });
    Deno.writeTextFileSync(`${path}/folder`, "mine");
    using warnings = captureWarnings();
    const told = (at: string, obstacle: string) =>
      assertStringIncludes(
        warnings.lines.join("\n"),
        `Cannot restore ${at} as something that is no folder stands at ${obstacle}: move it elsewhere`,
      );
    await assertRejects(() => write.run(below, "hello").then());
    told(below, `${path}/folder`);
    assertEquals(Deno.readTextFileSync(`${path}/folder`), "mine");
    await fill.run(`${path}/filled`, ["a"]);
    Deno.removeSync(`${path}/filled`, { recursive: true });
    Deno.writeTextFileSync(`${path}/filled`, "mine");
    // It is run again, and this function removes what is there.
    const job = fill.run(`${path}/filled`, ["a"]);
    assert((await job).has("a"));
    told(`${path}/filled`, `${path}/filled`);
  },
);

const SCRIPT = `
import * as hi from ${JSON.stringify(new URL("mod.ts", `file://${ROOT}`).href)};
const plot = hi.func("files_child_plot", "1", (path: string) => {
  Deno.mkdirSync("out", { recursive: true });
  Deno.writeTextFileSync(path, "<svg/>");
  return hi.file(path);
});
const jobCache = new hi.JobCache({ path: Deno.args[0] });
await hi.config({ jobCache }, async () => {
  const job = plot.run(Deno.args[1] ?? "out/plot.svg");
  try {
    const file = await job;
    console.log(JSON.stringify([job.cached, file.path, file.text()]));
  } catch (error) {
    console.log(JSON.stringify([error.name, error.flag, error.message]));
  }
});
`;

Deno.test("a project that was moved, with its cache, finds its files where it is now", async () => {
  await using folder = await temporaryFolder({ "here/main.ts": SCRIPT });
  const path = await Deno.realPath(folder.path);
  const run = async (cwd: string) => {
    const { stdout, stderr } = await deno(
      ["run", "-A", "--no-check", ...stdArguments(), "main.ts", "cache"],
      { cwd },
    );
    assertEquals(stderr, "");
    return JSON.parse(stdout);
  };
  assertEquals(await run(`${path}/here`), [
    false,
    `${path}/here/out/plot.svg`,
    "<svg/>",
  ]);
  await Deno.rename(`${path}/here`, `${path}/there`);
  await Deno.remove(`${path}/there/out`, { recursive: true });
  assertEquals(await run(`${path}/there`), [
    true,
    `${path}/there/out/plot.svg`,
    "<svg/>",
  ]);
  assertEquals(filesOf(path).filter((name) => name.endsWith("svg")), [
    "there/out/plot.svg",
  ]);
});

Deno.test("without the permission to write, restoring names the flag", async () => {
  await using folder = await temporaryFolder({ "main.ts": SCRIPT });
  const path = await Deno.realPath(folder.path);
  const run = async (...permissions: string[]) => {
    const { stdout } = await deno(
      [
        "run",
        ...permissions,
        "--no-check",
        "--no-prompt",
        ...stdArguments(),
        "main.ts",
        "cache",
      ],
      { cwd: path },
    );
    return JSON.parse(stdout);
  };
  await run("-A");
  await Deno.remove(`${path}/out`, { recursive: true });
  const answer = await run("--allow-read", `--allow-write=${path}/cache`);
  assertEquals(answer.slice(0, 2), [
    "PermissionNeededError",
    `--allow-write=${path}/out`,
  ]);
  assertStringIncludes(answer[2], `${path}/out/plot.svg`);
});

const prefix = withoutPrivileges();

Deno.test({
  name: "a file that the system does not let be written, or read, is named",
  ignore: prefix === undefined,
  async fn() {
    await using folder = await temporaryFolder({ "main.ts": SCRIPT });
    const { path } = folder;
    const target = `${path}/closed/plot.svg`;
    Deno.mkdirSync(`${path}/closed`);
    const args = [
      "run",
      "-A",
      "--no-check",
      ...stdArguments(),
      "main.ts",
      "cache",
      target,
    ];
    await deno(args, { cwd: path });
    Deno.removeSync(target);
    Deno.chmodSync(path, 0o755);
    Deno.chmodSync(`${path}/closed`, 0o555);
    const run = async () => {
      const [program, ...rest] = [...prefix!, Deno.execPath(), ...args];
      const { stdout } = await new Deno.Command(program!, {
        args: rest,
        cwd: path,
      }).output();
      const [name, , message] = JSON.parse(new TextDecoder().decode(stdout));
      assertEquals(name, "CacheError");
      assertStringIncludes(
        message,
        `Cannot restore ${target} from the cache: Permission denied`,
      );
    };
    await run();
    Deno.chmodSync(`${path}/closed`, 0o755);
    Deno.writeTextFileSync(target, "<svg/>", { mode: 0o000 });
    await run();
  },
});

Deno.test("the digest of a large file that nobody touched is remembered across programs", async () => {
  await using files = await temporaryFolder();
  await using cache = await temporaryFolder();
  const program = Deno.execPath();
  const script = `
    import * as hi from ${
    JSON.stringify(new URL("mod.ts", `file://${ROOT}`).href)
  };
    let bytes = 0;
    const { openSync } = Deno;
    Deno.openSync = (path, options) => {
      if (path === Deno.args[1]) bytes++;
      return openSync(path, options);
    };
    const jobCache = new hi.JobCache({ path: Deno.args[0] });
    await hi.config({ jobCache }, () => {
      console.log(JSON.stringify([hi.file(Deno.args[1]).digest, bytes]));
    });
  `;
  await Deno.writeTextFile(`${files.path}/main.ts`, script);
  const run = async () => {
    const { stdout, stderr } = await deno(
      [
        "run",
        "-A",
        "--no-check",
        ...stdArguments(),
        "main.ts",
        cache.path,
        program,
      ],
      { cwd: files.path },
    );
    assertEquals(stderr, "");
    return JSON.parse(stdout);
  };
  const [digest, opened] = await run();
  assertEquals(opened, 1);
  assertEquals(await run(), [digest, 0]);
  assertNotEquals(digest, "");
});

testBoth(
  "a folder that holds the cache cannot be an argument, and the error names the cure",
  async (layout) => {
    await using folder = await temporaryFolder({ "data/a.txt": "a" });
    const { path } = folder;
    await using jobCache = new hi.JobCache({ path: `${path}/cache`, layout });
    const cure =
      `of the cache in ${path}/cache, which changes as jobs run. Keep`;
    await hi.config({ jobCache }, async () => {
      // The cache is made by the first, and changed by the second.
      for (let i = 0; i < 2; i++) {
        await assertRejects(
          () => namesOf.run(hi.folder(path)).wait(),
          hi.FileChangedError,
          cure,
        );
      }
      assertEquals(await namesOf.run(hi.folder(`${path}/data`)), ["a.txt"]);
      // What else changes has the cure that it had.
      await Deno.writeTextFile(`${path}/data/b.txt`, "b");
      const given = hi.folder(`${path}/data`);
      await Deno.writeTextFile(`${path}/data/c.txt`, "c");
      await assertRejects(
        () => namesOf.run(given).wait(),
        hi.FileChangedError,
        "call hi.folder again",
      );
    });
  },
);
