// Programs of their own, since Deno permits web workers with permissions by a flag alone.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { deno, stdArguments, temporaryFolder } from "../house/run.ts";
import { runProgram } from "../parallel/pool.ts";

const FLAG = "--unstable-worker-options";

const HITHER = new URL("../../mod.ts", import.meta.url).href;

const MAIN = (options: string, body: string) => ({
  "data.txt": "text",
  "helper.ts":
    `export const later = async (x: number) => (await import("./lazy.ts")).twice(x);`,
  "lazy.ts": `export const twice = (x: number) => 2 * x;`,
  "top.ts": `
    import * as hi from "hither";
    const text = Deno.readTextFileSync("data.txt");
    export const top = hi.func("top", "1", () => text);
  `,
  "main.ts": `
    import * as hi from "hither";
    import { later } from "./helper.ts";
    const permissions = "none";
    const pure = hi.func("pure", "1", (x: number) => later(x));
    const pid = hi.func("pid", "1", () => Deno.pid);
    const tries = hi.func("tries", "1", async (kind: string, at: string) => {
      if (kind === "read") return Deno.readTextFileSync(at);
      if (kind === "write") return Deno.writeTextFileSync(at, "written");
      if (kind === "net") return await (await fetch(at)).text();
      if (kind === "env") return typeof Deno.env.get(at);
      if (kind === "run") return (await new Deno.Command(at).output()).success;
      if (kind === "sys") return typeof Deno.hostname();
      if (kind === "ffi") return void Deno.dlopen(at, {});
      return void await import(at);
    });
    const failureOf = async (job: PromiseLike<unknown>) => {
      try {
        return ["no error", await job];
      } catch (error) {
        return [(error as Error).name, (error as hi.UndeclaredAccessError).declare];
      }
    };
    const show = (value: unknown) => console.log(JSON.stringify(value));
    if (import.meta.main) {
      await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, ${options} });
      await hi.config({ jobHandler, jobCache: null }, async () => { ${body} });
    }
  `,
});

async function printed(
  options: string,
  body: string,
  permissions = ["-A", FLAG],
): Promise<unknown[]> {
  const { code, stdout, stderr } = await runProgram(MAIN(options, body), {
    permissions,
  });
  assertEquals([code, stderr], [0, ""]);
  return stdout.trim().split("\n").map((line) => JSON.parse(line));
}

for (const options of [`isolation: "worker"`, `isolation: "auto"`]) {
  Deno.test(`with the flag and ${options}, a pure function runs in a thread`, async () => {
    const body = `
      show(await pure.with({ permissions }).run(3));
      show(await pid.with({ permissions }).run() === Deno.pid);
      const all: hi.PermissionOptions = {
        net: ["a.b:80", "*.example.org", "[::1]:80", "10.0.0.1"],
        env: ["AWS_*", "HOME"],
        sys: ["hostname", "osRelease"],
        run: ["deno", new URL("file:///bin/ls")],
        import: ["jsr.io:443"],
        ffi: ["./a.so"],
        read: ["/tmp/hither_a,b"],
        write: "inherit",
      };
      show(await pure.with({ permissions: all }).run(4));
    `;
    assertEquals(await printed(options, body), [6, true, 8]);
  });
}

Deno.test("in a thread each undeclared kind is an error that says what to declare", async () => {
  const kinds = [
    ["read", "/etc/passwd"],
    ["write", "/tmp/hither_a"],
    ["net", "http://127.0.0.1:81"],
    ["env", "HOME"],
    ["run", "true"],
    ["sys", ""],
    ["ffi", "/tmp/a.so"],
    ["import", "https://esm.sh/a"],
  ];
  const body = `
    for (const [kind, at] of ${JSON.stringify(kinds)}) {
      show(await failureOf(tries.with({ permissions }).run(kind!, at!)));
    }
  `;
  assertEquals(
    await printed(`isolation: "worker"`, body),
    [
      { read: ["/etc/passwd"] },
      { write: ["/tmp/hither_a"] },
      { net: ["127.0.0.1:81"] },
      { env: ["HOME"] },
      { run: ["true"] },
      { sys: ["hostname"] },
      { ffi: ["/tmp/a.so"] },
      { import: ["esm.sh:443"] },
    ].map((declare) => ["UndeclaredAccessError", declare]),
  );
});

Deno.test("in a thread what is declared is allowed, relative paths from the working folder", async () => {
  const body = `
    await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => new Response("hello"));
    const host = "127.0.0.1:" + server.addr.port;
    const run = (permissions: hi.PermissionOptions, kind: string, at: string) =>
      tries.with({ permissions }).run(kind, at);
    show(await run({ read: ["./data.txt"] }, "read", "data.txt"));
    await run({ write: [new URL("./out.txt", import.meta.url)] }, "write", "out.txt");
    show(Deno.readTextFileSync("out.txt"));
    show(await run({ net: [host] }, "net", "http://" + host));
    show(await run({ env: ["PATH"] }, "env", "PATH"));
    show(await run({ run: ["true"] }, "run", "true"));
    show(await run({ sys: ["hostname"] }, "sys", ""));
    const { top } = await import("./top.ts");
    show(await failureOf(top.with({ permissions }).run()));
    show(await top.with({ permissions: { read: ["data.txt"] } }).run());
  `;
  assertEquals(await printed(`isolation: "worker"`, body), [
    "text",
    "written",
    "hello",
    "string",
    true,
    "string",
    ["UndeclaredAccessError", { read: ["data.txt"] }],
    "text",
  ]);
});

Deno.test("in a thread a worker serves jobs with the same permissions, and no others", async () => {
  const body = `
    const state = hi.func("state", "1", () => 1);
    show(await failureOf(tries.with({ permissions: { env: ["HOME"] } }).run("env", "HOME")));
    show(await failureOf(tries.with({ permissions }).run("env", "HOME")));
    show(await failureOf(tries.run("env", "HOME")));
  `;
  assertEquals(await printed(`isolation: "worker"`, body), [
    ["no error", "string"],
    ["UndeclaredAccessError", { env: ["HOME"] }],
    ["no error", "string"],
  ]);
});

Deno.test("without the flag, and without permission to start processes, the error names both ways", async () => {
  const { code, stderr } = await runProgram(
    MAIN(`isolation: "auto"`, `await pure.with({ permissions }).run(1);`),
    { permissions: ["--allow-read", "--allow-env"] },
  );
  assertEquals(code, 1);
  assertStringIncludes(stderr, "PermissionNeededError");
  assertStringIncludes(stderr, "--allow-run=");
  assertStringIncludes(stderr, FLAG);
});

Deno.test("a program that may little itself runs a pure function, and cannot give what it does not have", async () => {
  const body = `
    show(await pure.with({ permissions }).run(4));
    for (const permissions of [{ net: ["a.b:1"] }, { write: true }]) {
      try {
        await pure.with({ permissions }).run(4);
      } catch (error) {
        show([(error as Error).name, (error as hi.PermissionNeededError).flag]);
      }
    }
  `;
  for (
    const permissions of [
      ["--allow-read", "--allow-run"],
      ["--allow-read", `--allow-run=${Deno.execPath()},sh`],
    ]
  ) {
    assertEquals(await printed("", body, permissions), [
      8,
      ["PermissionNeededError", "--allow-net=a.b:1"],
      ["PermissionNeededError", "--allow-write"],
    ]);
  }
});

Deno.test("where Deno does not show how it was started, denoArgs says that the flag was given", async () => {
  const main = `
    const denoArgs = ["${FLAG}"];
    show(await pid.with({ permissions, denoArgs }).run() === Deno.pid);
  `;
  const permissions = ["--allow-read", FLAG];
  assertEquals(await printed("", main, permissions), [true]);
});

Deno.test("a function without a module runs within its permissions as well", async () => {
  for (const isolation of ["process", "worker"]) {
    const program = `
      import * as hi from "${HITHER}";
      const f = hi.func("shipped", "1", (at) => {
        hi.current().throwIfAborted();
        return join(at, Deno.env.get("HITHER_TEST"));
      }, { imports: { join: "jsr:@std/path@^1/join" } });
      await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1, isolation: "${isolation}" });
      await hi.config({ jobHandler, jobCache: null, denoArgs: ["${FLAG}"] }, async () => {
        console.log(await f.with({ permissions: { env: ["HITHER_TEST"] } }).run("/a"));
        try {
          await f.with({ permissions: "none" }).run("/a");
        } catch (error) {
          console.log(error.message);
        }
      });
    `;
    const { stdout, stderr } = await deno(
      ["eval", FLAG, ...stdArguments(), program],
      { env: { HITHER_TEST: "b" } },
    );
    const [joined, refused] = stdout.split("\n");
    assertEquals([joined, stderr], ["/a/b", ""]);
    assertStringIncludes(refused!, `permissions: { env: ["HITHER_TEST"] }`);
  }
});

Deno.test({
  name:
    "at a terminal, where Deno would ask to permit more, a thread is not trusted without --no-prompt",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const body = `
      show(await failureOf(tries.with({ permissions }).run("env", "HOME")));
      show(await pid.with({ permissions }).run() === Deno.pid);
      await using threads = new hi.ParallelJobHandler({ numWorkers: 1, isolation: "worker" });
      await hi.config({ jobHandler: threads }, async () => {
        try {
          show(await pid.with({ permissions }).run() === Deno.pid);
        } catch (error) {
          show((error as hi.PermissionNeededError).flag);
        }
      });
    `;
    const refused = ["UndeclaredAccessError", { env: ["HOME"] }];
    for (
      const [flags, expected] of [
        [[], [refused, false, "--no-prompt"]],
        [["--no-prompt"], [refused, true, true]],
      ] as const
    ) {
      const files = Object.entries(MAIN("", body)).map(([name, text]) =>
        [name, text.replaceAll(`from "hither"`, `from "${HITHER}"`)] as const
      );
      await using folder = await temporaryFolder(Object.fromEntries(files));
      await using log = await temporaryFolder();
      const command = [
        Deno.execPath(),
        "run",
        "--quiet",
        "--no-check",
        ...stdArguments(),
        "-A",
        FLAG,
        ...flags,
        `${folder.path}/main.ts`,
      ];
      // Of util-linux: it gives the program a terminal of its own.
      const { code } = await new Deno.Command("script", {
        args: ["-qec", command.join(" "), `${log.path}/log`],
        cwd: folder.path,
        stdin: "null",
        stdout: "null",
        // One that asks waits for ever.
        signal: AbortSignal.timeout(60_000),
      }).output();
      const text = await Deno.readTextFile(`${log.path}/log`);
      const lines = text.split(/\r?\n/).filter((line) => /^["[{tf]/.test(line));
      assertEquals([code, lines.map((line) => JSON.parse(line))], [
        0,
        expected,
      ], text);
    }
  },
});
