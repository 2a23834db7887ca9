import {
  assert,
  assertEquals,
  assertMatch,
  assertNotStrictEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import * as hi from "@hither/hither";
import { FILES, program } from "../code/program.ts";
import { captureWarnings, LAYOUTS, makeFolder } from "./support.ts";
import {
  callsOf,
  fails,
  first,
  KINDS,
  large,
  listing,
  publish,
  readThrough,
  serve,
  total,
  twice,
  writes,
  writesLong,
} from "./upstream_support.ts";

for (const kind of KINDS) {
  for (const layout of LAYOUTS) {
    Deno.test(`What is in an upstream is a hit, and in this cache from then on (${layout} before ${kind})`, async () => {
      await using published = await publish(kind, async () => {
        await twice.run(1);
        await large.run(2);
      });
      await using folder = await makeFolder();
      const path = `${folder.path}/cache`;
      const before = listing(published.path);
      {
        await using jobCache = new hi.JobCache({
          path,
          layout,
          upstream: [published.upstream],
        });
        await hi.config({ jobCache }, async () => {
          const runs = await callsOf(async () => {
            const small = twice.run(1);
            assertEquals(await small, 2);
            assert(small.cached);
            assertMatch(small.explain().text, /in the upstream cache /);
            const array = large.run(2);
            assertEquals((await array)[9_999], 2);
            assert(array.cached);
            assertEquals(await twice.run(1), 2);
            assertEquals(
              twice.run(1).explain().text.includes("upstream cache"),
              false,
            );
          });
          assertEquals(runs, 0);
          assertEquals(await twice.run(3), 6);
        });
        const { hits, misses } = jobCache.stats();
        assertEquals([hits, misses], [4, 1]);
      }
      assertEquals(listing(published.path), before);
      await using jobCache = new hi.JobCache({ path });
      assertEquals([...jobCache.records()].length, 3);
      await hi.config({ jobCache }, async () => {
        const runs = await callsOf(async () => {
          await Promise.all([twice.run(1), large.run(2), twice.run(3)]);
        });
        assertEquals(runs, 0);
      });
      const { badRecords, badBlobs, missingBlobs } = await jobCache.verify();
      assertEquals([badRecords, badBlobs, missingBlobs], [0, 0, 0]);
    });
  }

  Deno.test(`A read-only cache and one that does not exist read through as well (${kind})`, async () => {
    await using published = await publish(kind, async () => {
      await twice.run(1);
      await large.run(2);
    });
    await using folder = await makeFolder();
    using warnings = captureWarnings();
    await using jobCache = new hi.JobCache({
      path: `${folder.path}/none`,
      readonly: true,
      upstream: [published.upstream],
    });
    await hi.config({ jobCache }, async () => {
      const runs = await callsOf(async () => {
        for (const _ of [1, 2]) {
          assertEquals(await twice.run(1), 2);
          const job = large.run(2);
          await hi.wait();
          assertEquals(job.getResult()[5], 2);
          assertEquals(await total.with({ cache: false }).run(job), 20_000);
        }
      });
      assertEquals(runs, 2);
    });
    assertEquals(warnings.lines.length, 1);
    assertMatch(warnings.lines[0]!, /read-only cache .* does not exist/);
    assertEquals([...Deno.readDirSync(folder.path)], []);
  });

  Deno.test(`A stage in an upstream gives its key; its blobs stay there until a job needs them (${kind})`, async () => {
    await using published = await publish(kind, async () => {
      await total.run(large.run(7));
    });
    await readThrough([published.upstream], async (jobCache) => {
      const runs = await callsOf(async () => {
        const stage = large.run(7);
        const sum = total.run(stage);
        assertEquals(await sum, 70_000);
        assert(stage.cached && sum.cached);
      });
      assertEquals(runs, 0);
      assertEquals(jobCache.stats().blobs, 0);
      assertEquals(
        published.asked.filter((path) => path.startsWith("blobs")),
        [],
      );
      const needing = await callsOf(async () => {
        assertEquals(await first.run(large.run(7)), 7);
      });
      assertEquals(needing, 1);
      assertEquals(jobCache.stats().blobs, 1);
    });
  });

  Deno.test(`Files of results come from an upstream (${kind})`, async () => {
    await using folder = await makeFolder();
    const path = `${folder.path}/result.txt`;
    await using published = await publish(kind, async () => {
      await writes.run(path);
    });
    for (const readonly of [false, true]) {
      using _ = captureWarnings();
      await Deno.remove(path);
      await readThrough([published.upstream], async () => {
        const job = writes.run(path);
        const runs = await callsOf(async () => {
          assertEquals((await job).text(), "written by a job");
        });
        assertEquals(runs, 0);
      }, { readonly });
    }
  });

  Deno.test(`Kept errors of an upstream count where errors are kept, and nowhere else (${kind})`, async () => {
    await using published = await publish(kind, async () => {
      await fails.run("kept").then(() => {}, () => {});
    });
    const attempt = (options: hi.Options) =>
      readThrough(
        [published.upstream],
        () =>
          callsOf(() =>
            hi.config(options, async () => {
              await assertRejects(
                async () => await fails.run("kept"),
                RangeError,
                "kept",
              );
            })
          ),
      );
    assertEquals(await attempt({ cacheFailing: true }), 0);
    assertEquals(await attempt({}), 1);
    assertEquals(
      await attempt({ cacheFailing: true, rerunFailing: true }),
      1,
    );
    assertEquals(await attempt({ cacheFailing: true, forceRun: true }), 1);
  });

  Deno.test(`forceRun looks into no upstream (${kind})`, async () => {
    await using published = await publish(kind, () => twice.run(1).wait());
    await readThrough([published.upstream], async () => {
      const runs = await callsOf(() =>
        hi.config({ forceRun: true }, () => twice.run(1).wait())
      );
      assertEquals(runs, 1);
      assertEquals(published.asked, []);
    });
  });

  Deno.test(`Many jobs at once come from an upstream, each once (${kind})`, async () => {
    const numbers = Array.from({ length: 60 }, (_, i) => i);
    await using published = await publish(kind, async () => {
      await Promise.all(twice.map(numbers));
    });
    await readThrough([published.upstream], async (jobCache) => {
      const runs = await callsOf(async () => {
        const jobs = [...twice.map(numbers), ...twice.map(numbers)];
        await hi.wait();
        assertEquals(jobs[59]!.getResult(), 118);
        assertEquals(jobs[119]!.getResult(), 118);
      });
      assertEquals(runs, 0);
      assertEquals(jobCache.stats().records, 60);
      const records = published.asked.filter((path) => path.startsWith("jobs"));
      assertEquals(records.length, kind === "server" ? 60 : 0);
    });
  });
}

Deno.test("Code that differs from that of an upstream's record is told as with a record of this cache", async () => {
  await using project = await program({
    "main.ts": FILES["main.ts"]!.replace(
      "readonly: Deno",
      `upstream: Deno.env.get("UPSTREAM")?.split(" "),
    readonly: Deno`,
    ),
  });
  assertEquals((await project.run()).cached, false);
  const published = `${project.path}/published`;
  {
    await using cache = new hi.JobCache({ path: `${project.path}/cache` });
    await cache.export(published);
  }
  await project.write("lib/factor.ts", "export const factor = 3;\n");
  await using server = serve(published);
  for (const place of [published, `${project.path}/aside`, server.url]) {
    if (place.endsWith("aside")) {
      await Deno.rename(`${project.path}/cache`, place);
    } else await Deno.remove(`${project.path}/cache`, { recursive: true });
    for (const READONLY of ["yes", "no"]) {
      const { value, cached, stderr } = await project.run("warn", {
        env: { UPSTREAM: place, READONLY },
      });
      assertEquals([value, cached], [2, true]);
      assertMatch(stderr, /other code: \.\/lib\/factor\.ts changed/);
    }
    if (place === published) {
      await Deno.remove(`${project.path}/cache`, { recursive: true });
      await project.write("lib/factor.ts", "export const factor = 2;\n");
      await project.run();
      await project.write("lib/factor.ts", "export const factor = 3;\n");
    }
  }
});

Deno.test("A small record of a folder is a hit in the same turn", async () => {
  for (const kind of ["sqlite", "files"] as const) {
    await using published = await publish(kind, () => twice.run(1).wait());
    await readThrough([published.upstream], () => {
      assertEquals(twice.run(1).getResult(), 2);
      return Promise.resolve();
    });
  }
});

Deno.test("Upstreams are asked in their order, and none once one has answered", async () => {
  await using a = await publish("server", () => twice.run(1).wait());
  await using b = await publish("server", async () => {
    await twice.run(1);
    await twice.run(2);
  });
  await readThrough([a.upstream, b.upstream], async () => {
    assertEquals(await twice.run(1), 2);
    assertEquals(b.asked, []);
    assertEquals(await twice.run(2), 4);
    assertEquals(a.asked.filter((path) => path === "layout").length, 1);
    assert(b.asked.length > 0);
  });
});

Deno.test("A folder that is written to meanwhile is seen as it is now", async () => {
  for (const layout of LAYOUTS) {
    await using folder = await makeFolder();
    const path = `${folder.path}/up`;
    const write = async (numbers: number[], whileOpen = () => {}) => {
      await using jobCache = new hi.JobCache({ path, layout });
      await hi.config({ jobCache }, () => Promise.all(twice.map(numbers)));
      whileOpen();
    };
    const isHit = (x: number) => {
      const job = twice.run(x);
      assertEquals([job.status, job.cached], ["finished", true], `${x}`);
    };
    await write([10]);
    await readThrough([path], async () => {
      isHit(10);
      // By a program that is still at it, and by one that is not.
      await write([11, 12], () => isHit(11));
      isHit(12);
      // Enough for other pages of a database.
      await write(Array.from({ length: 500 }, (_, i) => 100 + i));
      isHit(100);
      isHit(599);
    });
  }
});

Deno.test("An upstream that is not there, or holds no cache, costs one warning", async () => {
  await using folder = await makeFolder();
  for (const path of [`${folder.path}/none`, folder.path]) {
    using warnings = captureWarnings();
    await readThrough([path], async () => {
      assertEquals(await callsOf(() => Promise.all(twice.map([1, 2]))), 2);
    });
    assertEquals(warnings.lines.length, 1);
    assertMatch(
      warnings.lines[0]!,
      /upstream cache .* there is no cache in it/,
    );
  }
  await using server = serve(folder.path);
  using warnings = captureWarnings();
  await readThrough([server.url], async () => {
    assertEquals(await callsOf(() => Promise.all(twice.map([1, 2]))), 2);
    await twice.run(3);
  });
  assertEquals(warnings.lines.length, 1);
  assertMatch(warnings.lines[0]!, /answers, but there is no cache: .* layout/);
  assertEquals(server.asked.length, 3);
});

Deno.test("A missing or damaged blob in a folder is a warning, and its job is run", async () => {
  for (const kind of ["sqlite", "files"] as const) {
    for (const harm of ["gone", "damaged"] as const) {
      await using published = await publish(kind, () => large.run(1).wait());
      const blobs = `${published.path}/blobs`;
      const [shard] = [...Deno.readDirSync(blobs)];
      const [name] = [...Deno.readDirSync(`${blobs}/${shard!.name}`)];
      const path = `${blobs}/${shard!.name}/${name!.name}`;
      if (harm === "gone") await Deno.remove(path);
      else {
        const bytes = await Deno.readFile(path);
        bytes[300]! ^= 4;
        await Deno.writeFile(path, bytes);
      }
      using warnings = captureWarnings();
      await readThrough([published.upstream], async () => {
        const runs = await callsOf(async () => {
          assertEquals((await large.run(1))[3], 1);
        });
        assertEquals(runs, 1);
      });
      assertEquals(warnings.lines.length, 1);
      assert(warnings.lines[0]!.includes(path), warnings.lines[0]);
    }
  }
});

Deno.test("A limit holds for what comes from upstreams", async () => {
  const numbers = Array.from({ length: 30 }, (_, i) => i);
  await using published = await publish("files", async () => {
    await Promise.all(large.map(numbers));
  });
  for (const layout of LAYOUTS) {
    await readThrough([published.upstream], async (jobCache) => {
      for (const number of numbers) {
        const job = large.run(number);
        await job;
        assert(job.cached);
      }
      await jobCache[Symbol.asyncDispose]();
      assert(jobCache.stats().bytes <= 1_000_000);
      assert(jobCache.stats().blobs < 15);
    }, { layout, maxSize: 1_000_000 });
  }
});

for (const kind of KINDS) {
  Deno.test(`What a limit leaves no room for is used all the same (${kind})`, async () => {
    const numbers = Array.from({ length: 8 }, (_, i) => i);
    await using published = await publish(kind, async () => {
      await Promise.all(large.map(numbers));
    });
    // Less than one of them, and as much as two.
    for (const maxSize of [50_000, 200_000]) {
      for (const layout of LAYOUTS) {
        using _warnings = captureWarnings();
        await readThrough([published.upstream], async () => {
          const jobs = large.map(numbers);
          const runs = await callsOf(async () => {
            const firsts = await Promise.all(jobs.map((job) => first.run(job)));
            assertEquals(firsts, numbers);
            const all = await Promise.all(jobs);
            assertEquals(all.map((array) => array[9]), numbers);
          });
          // Those of `first`.
          assertEquals([runs, jobs.every(({ cached }) => cached)], [8, true]);
        }, { layout, maxSize });
      }
    }
  });
}

for (const kind of KINDS) {
  for (const layout of LAYOUTS) {
    Deno.test(`What was fetched for a job is used by it, though others push it out at once (${layout} before ${kind})`, async () => {
      const numbers = Array.from({ length: 60 }, (_, i) => i);
      await using written = await makeFolder();
      const paths = numbers.map((i) => `${written.path}/${i}.txt`);
      const text = (i: number) => `${i} `.repeat(30_000);
      await using published = await publish(kind, async () => {
        await Promise.all(numbers.map((i) => large.run(i)));
        await Promise.all(numbers.map((i) => writesLong.run(paths[i]!, i)));
      });
      for (const path of paths) Deno.removeSync(path);
      await using folder = await makeFolder();
      await using jobCache = new hi.JobCache({
        path: `${folder.path}/cache`,
        layout,
        maxSize: 600_000,
        upstream: [published.upstream],
      });
      await hi.config({ jobCache }, async () => {
        const runs = await callsOf(async () => {
          const arrays = numbers.map((i) => large.run(i));
          for (const [i, job] of arrays.entries()) {
            assertEquals((await job)[9_999], i);
            assert(job.cached);
          }
          await Promise.all(numbers.map((i) => writesLong.run(paths[i]!, i)));
        });
        assertEquals(runs, 0);
      });
      for (const [i, path] of paths.entries()) {
        assertEquals(Deno.readTextFileSync(path), text(i));
      }
    });
  }
}

Deno.test("What a cache deletes comes again from its upstream", async () => {
  await using published = await publish("files", () => twice.run(1).wait());
  await readThrough([published.upstream], async (jobCache) => {
    const job = twice.run(1);
    await job;
    assert(jobCache.delete(job));
    assertEquals([...jobCache.records()], []);
    assert(twice.run(1).cached);
    jobCache.clear();
    assert(twice.run(1).cached);
  });
});

Deno.test("A result that comes from an upstream is everybody's own", async () => {
  await using published = await publish("server", () => large.run(1).wait());
  await readThrough([published.upstream], async () => {
    const [a, b] = [await large.run(1), await large.run(1)];
    assertNotStrictEquals(a, b);
    a.fill(9);
    assertEquals(b[0], 1);
  }, { readonly: true });
});

Deno.test("The option upstream is checked", () => {
  const bad: [unknown, string][] = [
    ["folder", "must be a list"],
    [[1], "must be a folder, a URL or an object"],
    [[{}], "either a path or a url"],
    [[{ path: "a", url: "http://a" }], "either a path or a url"],
    [[{ url: "folder" }], "use path for a folder"],
    [[{ path: "a", trusts: [] }], "no option trusts"],
    [[{ path: "a", trust: [] }], "trust must be a list of public keys"],
    [[{ path: "a", trust: ["ed25519:AAAA"] }], "32 bytes as Base64"],
    [[{ path: "a", trust: ["rsa:AAAA"] }], "32 bytes as Base64"],
    [["http://host/?a=1"], "no query"],
    [["http://ada:secret@host/"], "no user name and no password"],
    [["https://"], "must be a URL"],
  ];
  for (const [upstream, message] of bad) {
    assertThrows(
      () => new hi.JobCache({ upstream: upstream as never }),
      TypeError,
      message,
    );
  }
  const path = "/somewhere/cache";
  const itself = new hi.JobCache({ path, upstream: [path] });
  assertThrows(() => itself.stats(), TypeError, "must be another folder");
});
