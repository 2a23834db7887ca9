import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import * as hi from "../../mod.ts";
import { temporaryFolder } from "../house/run.ts";
import { inPool } from "../parallel/pool.ts";
import * as f from "./fixtures/functions.ts";
import { topLevel } from "./fixtures/top_level.ts";
import { failureAs } from "./refusals.ts";

const PROCESS = { numWorkers: 1, isolation: "process" } as const;
const permissions = "none";

Deno.test("a pure function runs with no permission at all, and its module's imports are found", () =>
  inPool(PROCESS, async () => {
    assertEquals(await f.pure.with({ permissions }).run(3), 9);
    const states = await f.states.with({ permissions }).run();
    assertEquals(
      states,
      "prompt,prompt,prompt,prompt,prompt,prompt,prompt,prompt",
    );
  }));

for (
  const [kind, at, declaration] of [
    ["read", "/etc/passwd", `read: ["/etc/passwd"]`],
    ["write", "/tmp/hither_a", `write: ["/tmp/hither_a"]`],
    ["net", "127.0.0.1:81", `net: ["127.0.0.1:81"]`],
    ["env", "HOME", `env: ["HOME"]`],
    ["run", "true", `run: ["true"]`],
    ["sys", "", `sys: ["hostname"]`],
    ["ffi", "/tmp/a.so", `ffi: ["/tmp/a.so"]`],
    ["import", "https://esm.sh/a", `import: ["esm.sh:443"]`],
    ["import", "file:///tmp/a.ts", `read: ["/tmp/a.ts"]`],
  ] as const
) {
  Deno.test(`an undeclared ${kind} of ${at || "the host's name"} is an error that says what to declare`, () =>
    inPool(PROCESS, async () => {
      const error = await failureAs(
        f.tries.with({ permissions }).run(kind, at),
        hi.UndeclaredAccessError,
      );
      assertStringIncludes(error.message, `permissions: { ${declaration} }`);
      assertStringIncludes(error.message, "sandbox_tries 1");
      assert(error.cause instanceof Error);
      const [[name, items]] = Object.entries(error.declare) as [
        [string, string[]],
      ];
      assertEquals(declaration, `${name}: ["${items[0]}"]`);
    }));
}

Deno.test("what is declared is allowed, of each kind", async () => {
  await using folder = await temporaryFolder({ "a.txt": "text" });
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response("hello"),
  );
  const host = `127.0.0.1:${server.addr.port}`;
  await inPool(PROCESS, async () => {
    const run = (permissions: hi.PermissionOptions, kind: string, at: string) =>
      f.tries.with({ permissions }).run(kind, at);
    const path = `${folder.path}/a.txt`;
    assertEquals(await run({ read: [path] }, "read", path), "text");
    await run({ write: [folder.path] }, "write", `${folder.path}/b.txt`);
    assertEquals(await Deno.readTextFile(`${folder.path}/b.txt`), "written");
    assertEquals(await run({ net: [host] }, "net", host), "hello");
    assertEquals(await run({ env: ["PATH"] }, "env", "PATH"), "string");
    assertEquals(await run({ run: ["true"] }, "run", "true"), true);
    assertEquals(await run({ sys: ["hostname"] }, "sys", ""), "string");
    await Deno.writeTextFile(`${folder.path}/c.ts`, "export const c = 1;");
    const c = `file://${folder.path}/c.ts`;
    // The module comes, and only as a result it is no data.
    await failureAs(
      run({ read: [folder.path] }, "import", c),
      hi.UnsupportedValueError,
    );
  });
});

Deno.test("what is listed is all that may be read and written, also beside the pipe and the modules", async () => {
  await using folder = await temporaryFolder({ "a b": "text", "in/c": "" });
  const { path } = folder;
  await inPool(PROCESS, async () => {
    const states = await f.paths.with({
      permissions: {
        read: [`${path}/a b`, "/dev"],
        write: [`${path}/in`, "/dev"],
      },
    }).run(
      `${path}/a b`,
      `${path}/in`,
      `${path}/in/c`,
      path,
      "/",
      "/dev/fd/3",
      "/dev/fd/4",
      new URL("./fixtures", import.meta.url).pathname,
    );
    assertEquals(states, [
      "granted/prompt",
      "prompt/granted",
      "prompt/granted",
      "prompt/prompt",
      "prompt/prompt",
      "granted/granted",
      "granted/granted",
      "prompt/prompt",
    ]);
  });
});

Deno.test("a path that Deno's flags cannot hold is refused by name", () =>
  inPool(PROCESS, async () => {
    const permissions = { read: ["/tmp/hither_a,b"] };
    const error = await failureAs(
      f.pure.with({ permissions }).run(1),
      TypeError,
    );
    assertStringIncludes(error.message, "/tmp/hither_a,b");
    assertStringIncludes(error.message, "sandbox_pure 1");
  }));

Deno.test("hosts, variables and the like are taken in every form", () =>
  inPool(PROCESS, async () => {
    const permissions = {
      net: ["a.b:80", "*.example.org", "[::1]:80", "10.0.0.1"],
      env: ["AWS_*", "HOME"],
      sys: ["hostname", "osRelease"],
      run: ["deno", new URL("file:///bin/ls")],
      import: ["jsr.io:443"],
      ffi: ["./a.so"],
    };
    assertEquals(await f.pure.with({ permissions }).run(3), 9);
  }));

Deno.test("true is all of a kind, inherit what the program may, false nothing", () =>
  inPool(PROCESS, async () => {
    const permissions = {
      read: true,
      net: "inherit",
      env: false,
      import: ["esm.sh:443"],
      ffi: [],
    } as const;
    assertEquals(
      await f.states.with({ permissions }).run(),
      "granted,prompt,granted,prompt,prompt,prompt,prompt,prompt",
    );
    assertEquals(
      await f.states.with({ permissions: "inherit" }).run(),
      Array(8).fill("granted").join(),
    );
  }));

Deno.test("the top of a module has no more than its jobs", () =>
  inPool(PROCESS, async () => {
    const error = await failureAs(
      topLevel.with({ permissions }).run(),
      hi.UndeclaredAccessError,
    );
    const { pathname } = new URL("./fixtures/helper.ts", import.meta.url);
    assertEquals(error.declare, { read: [pathname] });
    const read = [pathname];
    const length = await topLevel.with({ permissions: { read } }).run();
    assertEquals(length, (await Deno.readTextFile(pathname)).length);
  }));

Deno.test("what the function catches is its own affair, and hi.file tells as well what to declare", () =>
  inPool(PROCESS, async () => {
    assertEquals(
      await f.catches.with({ permissions }).run("/etc/passwd"),
      "nothing",
    );
    for (const fn of [f.readsFile, f.strays]) {
      const error = await failureAs(
        fn.with({ permissions }).run("/etc/passwd"),
        hi.UndeclaredAccessError,
      );
      assertEquals(error.declare, { read: ["/etc/passwd"] });
    }
  }));

Deno.test("a worker serves jobs with the same permissions, and no others", () =>
  inPool(PROCESS, async () => {
    const none = f.where.with({ permissions });
    const net = f.where.with({ permissions: { net: ["a.b"] } });
    const first = await none.run();
    assertEquals(await none.run(), first);
    assertEquals(await f.where.with({ permissions: {} }).run(), first);
    const other = await net.run();
    assertNotEquals(other, first);
    const free = await f.where.run();
    assertEquals(new Set([first, other, free]).size, 3);
  }));

Deno.test("by config they hold for all jobs inside, and a function's own come first", () =>
  inPool(PROCESS, async () => {
    await hi.config({ permissions }, async () => {
      assertEquals(await f.states.run(), Array(8).fill("prompt").join());
      assertEquals(
        (await f.states.with({ permissions: { net: true } }).run()).match(
          /granted/g,
        )?.length,
        1,
      );
    });
  }));

Deno.test("a job that a job submits has its permissions, or less, and never more", () =>
  inPool(PROCESS, async () => {
    const outer = f.submits.with({
      permissions: { net: ["a.b"], env: true },
    });
    assertEquals(
      await outer.run(null),
      "prompt,prompt,prompt,granted,prompt,prompt,prompt,prompt",
    );
    assertEquals(await outer.run("none"), Array(8).fill("prompt").join());
    await outer.run({ net: ["a.b:80"], env: ["HOME"] });
    for (
      const [given, declare] of [
        [{ net: ["x.org"] }, { net: ["x.org"] }],
        [{ read: ["/tmp"], env: true }, { read: ["/tmp"] }],
        ["inherit", { read: true }],
      ] as const
    ) {
      const error = await failureAs(outer.run(given), hi.UndeclaredAccessError);
      assertEquals(error.declare as unknown, declare);
      assertStringIncludes(error.message, "sandbox_submits 1");
      assertStringIncludes(error.message, "sandbox_states 1");
    }
  }));

Deno.test("what a job may not write, the program does not write for it as a cache", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/cache`;
  await inPool({ numWorkers: 2, isolation: "process" }, async () => {
    const error = await failureAs(
      f.keeps.with({ permissions }).run(path),
      hi.UndeclaredAccessError,
    );
    assertEquals(error.declare, { write: [path] });
    assertEquals([...Deno.readDirSync(folder.path)], []);
    const write = [folder.path];
    assertEquals(await f.keeps.with({ permissions: { write } }).run(path), 4);
  });
});

Deno.test("equal jobs with other permissions do not share one execution", () =>
  inPool({ numWorkers: 2, isolation: "process" }, async () => {
    const fn = f.where.with({ cache: true });
    const [bound, free] = [fn.with({ permissions }).run(), fn.run()];
    assertNotEquals(await bound, await free);
  }));

Deno.test("in the program itself nobody can be held to permissions, so the job fails", async () => {
  for (const jobHandler of [null, new hi.DefaultJobHandler()]) {
    await hi.config({ jobHandler, jobCache: null }, async () => {
      const error = await failureAs(
        f.pure.with({ permissions }).run(2),
        hi.SandboxUnavailableError,
      );
      assertStringIncludes(error.message, "ParallelJobHandler");
      assertEquals(await f.pure.with({ permissions: null }).run(2), 4);
    });
  }
});

Deno.test("with isolation auto and no flag for threads, such a job takes a process; with worker it is an error that names the flag", async () => {
  await inPool({ numWorkers: 1 }, async () => {
    assertNotEquals(await f.where.with({ permissions }).run(), Deno.pid);
  });
  await inPool({ numWorkers: 1, isolation: "worker" }, async () => {
    const error = await failureAs(
      f.where.with({ permissions }).run(),
      hi.PermissionNeededError,
    );
    assertEquals(error.flag, "--unstable-worker-options");
  });
});

Deno.test("permissions go with a timeout and a limit of memory", () =>
  inPool({ numWorkers: 1 }, async () => {
    const options = { permissions, timeout: 60_000, memory: 2 ** 30 } as const;
    assertEquals(await f.pure.with(options).run(4), 16);
  }));
