// What servers do wrong, and what becomes of it: a warning, and the job is run.
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import * as hi from "@hither/hither";
import { BlobReference } from "../../lib/cache/blob_reference.ts";
import { HttpUpstream } from "../../lib/cache/http_upstream.ts";
import { deno, ROOT, stdArguments, temporaryFolder } from "../house/run.ts";
import { captureWarnings, keyOf, makeFolder } from "./support.ts";
import {
  type Answer,
  callsOf,
  damage,
  fileIn,
  large,
  publish,
  readThrough,
  serve,
  total,
  twice,
} from "./upstream_support.ts";

const NEVER = new AbortController().signal;

/** Serves a cache of one large result, otherwise than it is; the warnings of a program that reads through. */
async function faulty(
  answer: Answer,
  harm: (path: string) => void = () => {},
): Promise<{ warnings: string[]; asked: string[] }> {
  await using published = await publish("files", () => large.run(1).wait());
  harm(published.path);
  await using server = serve(published.path, answer);
  using warnings = captureWarnings();
  await readThrough([server.url], async (jobCache) => {
    const runs = await callsOf(async () => {
      assertEquals((await large.run(1))[7], 1);
    });
    assertEquals(runs, 1);
    const { badBlobs, missingBlobs } = await jobCache.verify();
    assertEquals([badBlobs, missingBlobs], [0, 0]);
  });
  return {
    warnings: warnings.lines.map((line) => line.replace(server.url, "URL")),
    asked: server.asked,
  };
}

for (const layout of ["sqlite", "files"] as const) {
  Deno.test(`What a limit has no room for comes from a server once, and pushes nothing out where it is too large (${layout})`, async () => {
    const numbers = [0, 1, 2, 3];
    await using published = await publish("files", async () => {
      await Promise.all(numbers.map((i) => large.run(i)));
      await Promise.all(numbers.map((i) => twice.run(i)));
    });
    // Less than one of them, and less than one with what a database takes by itself.
    for (const maxSize of [78_000, 100_000]) {
      await using server = serve(published.path);
      using warnings = captureWarnings();
      await readThrough([server.url], async (jobCache) => {
        await Promise.all(numbers.map((i) => twice.run(i)));
        const runs = await callsOf(async () => {
          for (const i of numbers) assertEquals((await large.run(i))[7], i);
        });
        assertEquals(runs, 0);
        const blobs = server.asked.filter((path) => path.startsWith("blobs"));
        assertEquals(blobs.length, new Set(blobs).size);
        assertEquals(blobs.length, 4);
        if (maxSize < 80_000) {
          assertEquals(jobCache.stats().records, 4);
          assertMatch(
            warnings.lines.join("\n"),
            /a result of upstream_large is not kept in the cache in .*: it takes 80\d\d\d bytes and its maxSize is 78000 bytes/,
          );
        }
      }, { layout, maxSize });
    }
  });
}

const only = (folder: string, response: () => Response): Answer => (path) =>
  path.startsWith(folder) ? response() : undefined;

Deno.test("What is damaged on a server is not used, and the warning says what it was", async () => {
  const cases: [string, Answer | undefined, (path: string) => void, RegExp][] =
    [
      [
        "a record with a flipped bit",
        undefined,
        (path) => damage(fileIn(`${path}/jobs`), 200),
        /URL sent a record that is damaged/,
      ],
      [
        "a record of another format",
        undefined,
        (path) => damage(fileIn(`${path}/jobs`), 7),
        /URL sent a record of format \d+, which this version does not read/,
      ],
      [
        "a page in the place of a record",
        only("jobs", () => new Response("<html>welcome</html>")),
        () => {},
        /URL sent a record that is damaged/,
      ],
      [
        "half a record",
        only("jobs", () => new Response(new Uint8Array(100))),
        () => {},
        /URL sent a record that is damaged/,
      ],
      [
        "a blob with a flipped bit",
        undefined,
        (path) => damage(fileIn(`${path}/blobs`), 500),
        /URL sent a blob that is not [0-9a-f]{64}/,
      ],
      [
        "a blob that is too short",
        only("blobs", () => new Response(new Uint8Array(79_999))),
        () => {},
        /URL sent a blob that is not [0-9a-f]{64}/,
      ],
      [
        "a blob that is too long",
        only("blobs", () => new Response(new Uint8Array(80_002))),
        () => {},
        /URL sent more than 80001 bytes|URL sent more than \d+ bytes/,
      ],
      [
        "a blob that is gone",
        undefined,
        (path) => Deno.removeSync(fileIn(`${path}/blobs`)),
        /URL sent no blob [0-9a-f]{64}/,
      ],
    ];
  for (const [what, answer, harm, message] of cases) {
    const { warnings } = await faulty(answer ?? (() => undefined), harm);
    assertEquals(warnings.length, 1, `${what}: ${warnings.join("\n")}`);
    assertMatch(warnings[0]!, message, what);
  }
});

Deno.test("The record of another job in the place of one is not used", async () => {
  await using published = await publish("files", () => twice.run(5).wait());
  const foreign = await Deno.readFile(fileIn(`${published.path}/jobs`));
  for (const place of ["folder", "server"]) {
    await using server = serve(
      published.path,
      (path) => path.startsWith("jobs") ? new Response(foreign) : undefined,
    );
    await using folder = await makeFolder();
    const key = await readThrough([], async () => {
      const job = twice.run(6);
      await job;
      return job.key!;
    });
    const path = fileIn(`${folder.path}/jobs`, key);
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), {
      recursive: true,
    });
    await Deno.writeFile(path, foreign);
    using warnings = captureWarnings();
    const upstream = place === "folder" ? folder.path : server.url;
    await readThrough([upstream], async () => {
      assertEquals(
        await callsOf(async () => assertEquals(await twice.run(6), 12)),
        1,
      );
    });
    assertEquals(warnings.lines.length, 1);
    assertMatch(warnings.lines[0]!, /of another (job|key)/);
  }
});

Deno.test("A server that fails is asked twice, and left alone after three failures", async () => {
  await using published = await publish("files", () => twice.run(1).wait());
  for (const status of [500, 503, 418]) {
    await using server = serve(
      published.path,
      () => new Response("trouble", { status }),
    );
    using warnings = captureWarnings();
    await readThrough([server.url], async () => {
      for (const x of [1, 2, 3, 4, 5]) assertEquals(await twice.run(x), 2 * x);
    });
    assertEquals(server.asked.length, 6);
    assertEquals(warnings.lines.length, 1);
    assertMatch(
      warnings.lines[0]!,
      new RegExp(
        `${server.url} is not used: it answers ${status} .* left alone`,
      ),
    );
  }
});

Deno.test("A server that answers for records and fails with each blob is left alone after three of them", async () => {
  const numbers = [1, 2, 3, 4, 5, 6];
  await using published = await publish("files", async () => {
    for (const x of numbers) await large.run(x);
  });
  await using server = serve(
    published.path,
    only("blobs/", () => new Response("trouble", { status: 503 })),
  );
  using warnings = captureWarnings();
  await readThrough([server.url], async () => {
    for (const x of numbers) assertEquals((await large.run(x))[0], x);
  });
  const blobs = server.asked.filter((path) => path.startsWith("blobs/"));
  assertEquals(blobs.length, 6);
  assertEquals(warnings.lines.length, 1);
});

Deno.test("One failure is forgiven", async () => {
  await using published = await publish("files", () => large.run(1).wait());
  let failures = 0;
  const failed = new Set<string>();
  await using server = serve(published.path, (path) => {
    if (failed.has(path)) return undefined;
    failed.add(path);
    failures++;
    return new Response(null, { status: 500 });
  });
  using warnings = captureWarnings();
  await readThrough([server.url], async () => {
    const job = large.run(1);
    assertEquals((await job)[0], 1);
    assert(job.cached);
  });
  assert(failures >= 3);
  assertEquals(warnings.lines, []);
});

Deno.test("A body that breaks off is a failure", async () => {
  // Says 80,000 bytes and sends 1,000.
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const broken = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(10_000)).catch(() => {});
      await connection.write(
        new TextEncoder().encode(
          `HTTP/1.1 200 OK\r\ncontent-length: 80000\r\n\r\n${
            "x".repeat(1_000)
          }`,
        ),
      ).catch(() => {});
      connection.close();
    }
  })();
  using warnings = captureWarnings();
  await readThrough([`http://127.0.0.1:${listener.addr.port}`], async () => {
    assertEquals(await callsOf(() => large.run(1).wait()), 1);
  });
  listener.close();
  await broken.catch(() => {});
  assertEquals(warnings.lines.length, 1);
  assertMatch(warnings.lines[0]!, /is not used/);
});

Deno.test("A server that is down costs one warning", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  using warnings = captureWarnings();
  await readThrough([url], async () => {
    assertEquals(
      await callsOf(() => Promise.all(twice.map([1, 2, 3, 4, 5, 6]))),
      6,
    );
  });
  assertEquals(warnings.lines.length, 1);
  assert(warnings.lines[0]!.includes(`${url} is not used`));
});

Deno.test("What is absent is asked for once, whatever word the server has for that", async () => {
  await using published = await publish("files", () => twice.run(1).wait());
  for (const status of [403, 404, 410]) {
    await using server = serve(
      published.path,
      (path) =>
        path.startsWith("jobs") ? new Response(null, { status }) : undefined,
    );
    using warnings = captureWarnings();
    await readThrough([server.url], async () => {
      const cached = { forceRun: false };
      for (const _ of [1, 2, 3]) {
        await hi.config(cached, () => twice.run(9).wait());
      }
    }, { readonly: true });
    assertEquals(server.asked.filter((path) => path !== "layout").length, 1);
    assertEquals(
      warnings.lines.filter((line) => line.includes(server.url)),
      [],
    );
  }
});

Deno.test("Redirections are followed, but not for ever and not away from https", async () => {
  await using published = await publish("files", () => large.run(1).wait());
  await using target = serve(published.path);
  const to = (location: (path: string) => string): Answer => (path) =>
    new Response(null, { status: 302, headers: { location: location(path) } });
  await using server = serve("", to((path) => `${target.url}/${path}`));
  await readThrough([server.url], async () => {
    const job = large.run(1);
    assertEquals((await job)[2], 1);
    assert(job.cached);
  });
  for (
    const [location, message] of [
      [(path: string) => `/${path}`, /redirects .* more than 5 times/],
      [() => "file:///etc/passwd", /which is not safe/],
      [() => "http://", /redirects .* to nowhere/],
    ] as const
  ) {
    await using server = serve("", to(location));
    using warnings = captureWarnings();
    await readThrough([server.url], async () => {
      assertEquals(await callsOf(() => large.run(1).wait()), 1);
    });
    assertEquals(warnings.lines.length, 1);
    assertMatch(warnings.lines[0]!, message);
  }
});

Deno.test("A server that never answers, or stops in the middle, is given up", async () => {
  const held: (() => void)[] = [];
  const silent = () =>
    new Promise<Response>((resolve) =>
      held.push(() => resolve(new Response()))
    );
  const stuck = () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(10)),
      }),
    );
  for (const answer of [silent, stuck]) {
    await using server = serve("", answer);
    using warnings = captureWarnings();
    const upstream = new HttpUpstream(server.url, 200);
    assertEquals(await upstream.record(keyOf(1), NEVER), undefined);
    assertEquals(server.asked.length, 2);
    assertMatch(warnings.lines.join(), /sends nothing within 0\.2 s/);
    for (const free of held) free();
  }
});

Deno.test("A server that sends less than 100 kB in the time is given up, and not asked again", async () => {
  for (const [pieces, bytes] of [[Infinity, 10], [8, 30_000]] as const) {
    let timer: ReturnType<typeof setInterval>;
    await using server = serve("", () => {
      let sent = 0;
      return new Response(
        new ReadableStream({
          start(controller) {
            timer = setInterval(() => {
              controller.enqueue(new Uint8Array(bytes));
              if (++sent === pieces) {
                clearInterval(timer);
                controller.close();
              }
            }, 50);
          },
          cancel: () => clearInterval(timer),
        }),
      );
    });
    using warnings = captureWarnings();
    const upstream = new HttpUpstream(server.url, 300);
    const bytesOf = upstream.blob(
      keyOf(1),
      BlobReference.of("0".repeat(64), undefined, 240_000),
      NEVER,
    );
    if (pieces === Infinity) {
      await assertRejects(
        () => bytesOf,
        Error,
        "it sends less than 100 kB within 0.3 s",
      );
      assertEquals(warnings.lines.length, 1);
    } else assertEquals((await bytesOf).length, 240_000);
    assertEquals(server.asked.length, 1);
  }
});

Deno.test("A server with a page for every path is no cache", async () => {
  const { warnings, asked } = await faulty(() =>
    new Response("<!doctype html><title>all is well</title>")
  );
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0]!, /it answers, but there is no cache/);
  assertEquals(asked.length, 2);
});

Deno.test("Why there is no connection is told", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  for (
    const [url, why] of [
      [`http://127.0.0.1:${port}`, /refused/i],
      ["http://no-such-host.invalid", /lookup|resolve|dns/i],
    ] as const
  ) {
    using warnings = captureWarnings();
    const upstream = new HttpUpstream(url, 10_000);
    assertEquals(await upstream.record(keyOf(1), NEVER), undefined);
    assertMatch(warnings.lines.join(), why);
  }
});

Deno.test("A job that is cancelled takes its request back", async () => {
  const arrived = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  await using server = serve("", async (_path, request) => {
    request.signal.addEventListener("abort", () => gone.resolve());
    arrived.resolve();
    await gone.promise;
    return new Response();
  });
  await readThrough([server.url], async () => {
    const runs = await callsOf(async () => {
      const job = twice.run(1);
      await arrived.promise;
      job.cancel("not needed");
      await assertRejects(async () => await job, hi.JobCancelledError);
      await gone.promise;
    });
    assertEquals(runs, 0);
  });
});

Deno.test("One of two jobs that is cancelled leaves the other its request", async () => {
  await using published = await publish("files", () => large.run(1).wait());
  const asked = Promise.withResolvers<void>();
  const free = Promise.withResolvers<void>();
  await using server = serve(published.path, async (path) => {
    if (!path.startsWith("blobs")) return undefined;
    asked.resolve();
    await free.promise;
    return undefined;
  });
  await readThrough([server.url], async () => {
    const [a, b] = [large.run(1), large.run(1)];
    await asked.promise;
    a.cancel();
    free.resolve();
    assertEquals((await b)[0], 1);
    assert(b.cached);
    await a.then(() => {}, () => {});
  });
});

Deno.test("A stage whose blob is lost on its server is run when it is needed", async () => {
  await using published = await publish("files", () => large.run(3).wait());
  await Deno.remove(fileIn(`${published.path}/blobs`));
  await using server = serve(published.path);
  using warnings = captureWarnings();
  await readThrough([server.url], async () => {
    const runs = await callsOf(async () => {
      assertEquals(await total.run(large.run(3)), 30_000);
    });
    assertEquals(runs, 2);
  });
  assertMatch(warnings.lines.join("\n"), /sent no blob/);
});

Deno.test("What is still at a server cannot be had in the same turn, and the error says so", async () => {
  await using published = await publish("server", async () => {
    await total.run(large.run(4));
  });
  await readThrough([published.upstream], async () => {
    const stage = large.run(4);
    await total.run(stage);
    const { message } = assertThrows(
      () => stage.getResult(),
      hi.ResultLostError,
    );
    assertMatch(message, /large parts are still at http.*: await the job/);
    assertEquals((await stage)[1], 4);
    assertEquals(stage.getResult()[1], 4);
  });
});

Deno.test("Without the permission a server is left alone, with the flag in a warning and no prompt", async () => {
  await using published = await publish("server", () => twice.run(1).wait());
  const map = stdArguments();
  await using project = await temporaryFolder({
    "main.ts": `import * as hi from "${new URL(
      "../../mod.ts",
      import.meta.url,
    )}";
const twice = hi.func("upstream_twice", "1", (x: number) => 2 * x);
const jobCache = new hi.JobCache({ path: Deno.args[0]!, upstream: [Deno.args[1]!] });
await hi.config({ jobCache }, async () => {
  const job = twice.run(1);
  console.log(await job, job.cached);
});
`,
  });
  const run = (...flags: string[]) =>
    deno([
      "run",
      "--quiet",
      "--no-check",
      "--allow-read",
      `--allow-write=${project.path}`,
      "--allow-run=deno",
      ...flags,
      ...map,
      `${project.path}/main.ts`,
      `${project.path}/cache`,
      published.upstream,
    ], { cwd: ROOT });
  const { host } = new URL(published.upstream);
  const without = await run();
  assertEquals([without.code, without.stdout], [0, "2 false\n"]);
  assertMatch(without.stderr, new RegExp(`add --allow-net=${host}`));
  assertEquals(published.asked, []);
  await Deno.remove(`${project.path}/cache`, { recursive: true });
  const given = await run(`--allow-net=${host}`);
  assertEquals([given.code, given.stdout], [0, "2 true\n"]);
});
