/** What disks, systems and clocks do to a cache in use: results stay right, one warning names the cause, the cache is whole afterwards. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import type { Layout } from "../../lib/cache/folder.ts";
import { ROOT, stdArguments, temporaryFolder } from "../house/run.ts";
import { canMount, inNamespace, withoutPrivileges } from "./children.ts";
import { TextLineStream } from "./lines.ts";
import { testBoth } from "./support.ts";

const CHILD = fromFileUrl(new URL("fault_child.ts", import.meta.url));
const NEW = { hits: 0, wrong: [] };
const SOUND = [0, 0, 0];

/** How a program is started. */
interface Start {
  readonly prefix?: readonly string[] | undefined;
  readonly permissions?: readonly string[];
  /** Done while the program waits. */
  readonly meanwhile?: () => void;
}

/** A folder for a cache and one for files. */
class Place implements AsyncDisposable {
  readonly path: string;
  readonly cache: string;
  readonly files: string;
  readonly #layout: Layout;
  readonly #folder: AsyncDisposable;

  constructor(path: string, layout: Layout, folder: AsyncDisposable) {
    this.path = path;
    this.cache = `${path}/cache`;
    this.files = `${path}/files`;
    this.#layout = layout;
    this.#folder = folder;
  }

  static async make(layout: Layout): Promise<Place> {
    const folder = await temporaryFolder({ "files/.keep": "" });
    const place = new Place(folder.path, layout, folder);
    Deno.mkdirSync(place.cache);
    return place;
  }

  /** Runs a program; what each of its steps came to, and what it warned of. */
  async run(
    steps: string[],
    { prefix = [], permissions = ["-A"], meanwhile }: Start = {},
    options: object = {},
  ): Promise<{ answers: unknown[]; warnings: string[] }> {
    const [command, ...args] = [
      ...prefix,
      Deno.execPath(),
      ...["run", "-q", "--no-check", "--no-prompt"],
      ...permissions,
      ...stdArguments(),
      CHILD,
      JSON.stringify({ path: this.cache, layout: this.#layout, ...options }),
      this.files,
      ...steps,
    ];
    const child = new Deno.Command(command!, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
    const stderr = new Response(child.stderr).text();
    const answers: unknown[] = [];
    const lines = child.stdout
      .pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
    for await (const line of lines) {
      const answer = JSON.parse(line);
      if (answer !== "waits") {
        answers.push(answer);
        continue;
      }
      meanwhile?.();
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode("\n"));
      writer.releaseLock();
    }
    await child.stdin.close().catch(() => {});
    const said = await stderr;
    assertEquals((await child.status).code, 0, said);
    return { answers, warnings: said.split("\n").filter((line) => line) };
  }

  /** A program of a later day: all is there that was stored, and all of it is sound. */
  async isHealthy(stored: number): Promise<void> {
    const { answers, warnings } = await this.run([
      "verify",
      `run:0:${stored}`,
      "run:1000:1040",
      "reopen",
      "run:1000:1040",
      "verify",
    ]);
    assertEquals(warnings, []);
    assertEquals(answers, [
      SOUND,
      { hits: stored, wrong: [] },
      NEW,
      "opened",
      { hits: 40, wrong: [] },
      SOUND,
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** The permissions of a program that has what it needs and no more. */
function permissionsOf({ cache, files }: Place): string[] {
  return [
    `--allow-read=${cache},${files},${ROOT}`,
    `--allow-write=${cache},${files}`,
    "--allow-sys=hostname",
  ];
}

testBoth(
  "A disk that fills up costs a warning, no result; when there is room again, the cache goes on",
  async (layout) => {
    await using place = await Place.make(layout);
    const ballast = `${place.cache}/ballast`;
    const { answers, warnings } = await place.run(
      [
        "run:0:20",
        "run:20:200",
        `remove:${ballast}`,
        "reopen",
        "verify",
        "run:0:200",
        "reopen",
        "run:0:200",
        "verify",
      ],
      {
        prefix: inNamespace(
          `mount -t tmpfs -o size=12m none ${place.cache}; dd if=/dev/zero of=${ballast} bs=1k count=10700 status=none`,
        ),
      },
    );
    const [first, second, , , sound, third, , last, still] = answers;
    assertEquals([first, second], [NEW, NEW]);
    assertEquals([sound, still], [SOUND, SOUND]);
    const { hits, wrong } = third as { hits: number; wrong: number[] };
    assertEquals(wrong, []);
    // What was stored before the disk was full is there.
    assert(hits >= 5 && hits < 200, `${hits} hits`);
    assertEquals(last, { hits: 200, wrong: [] });
    assertEquals(warnings.length, 1, warnings.join("\n"));
    assertMatch(warnings[0]!, /^hither: results are not stored in the cache/);
    assertMatch(warnings[0]!, /full|space/);
  },
  { ignore: !canMount() },
);

testBoth(
  "A permission that is given back midway costs a warning, no result",
  async (layout) => {
    await using place = await Place.make(layout);
    for (const permission of ["write", "read"]) {
      const { answers, warnings } = await place.run(
        [
          "run:0:40",
          `revoke:${permission}`,
          "run:0:40",
          "run:40:80",
          "reopen",
          "run:40:80",
        ],
        { permissions: permissionsOf(place) },
      );
      const wrong = answers.flatMap((answer) =>
        (answer as { wrong?: number[] }).wrong ?? []
      );
      assertEquals(wrong, [], permission);
      assert(warnings.length >= 1 && warnings.length <= 3, warnings.join("\n"));
      assert(
        warnings.every((line) =>
          line.startsWith("hither: ") && line.includes(place.cache)
        ),
        warnings.join("\n"),
      );
      assert(
        warnings.some((line) => line.includes(`--allow-${permission}`)),
        warnings.join("\n"),
      );
    }
    await place.isHealthy(40);
  },
);

const unprivileged = withoutPrivileges();

testBoth(
  "A folder that may no longer be written to costs a warning, no result",
  async (layout) => {
    await using place = await Place.make(layout);
    const { answers, warnings } = await place.run(
      ["run:0:40", "wait", "run:0:40", "run:40:80", "reopen", "run:0:40"],
      {
        prefix: unprivileged,
        meanwhile: () => setModes(place.cache, 0o555, 0o444),
      },
    );
    setModes(place.cache, 0o755, 0o644);
    const [first, , again, more, , reopened] = answers;
    assertEquals(first, NEW);
    assertEquals(again, { hits: 40, wrong: [] });
    assertEquals(more, NEW);
    assertEquals(reopened, { hits: 40, wrong: [] });
    assert(warnings.length >= 1 && warnings.length <= 2, warnings.join("\n"));
    assert(
      warnings.every((line) =>
        line.startsWith("hither: ") && line.includes(place.cache)
      ),
      warnings.join("\n"),
    );
    await place.isHealthy(40);
  },
  { ignore: unprivileged === undefined },
);

testBoth(
  "A clock that is set back a day costs nothing",
  async (layout) => {
    await using place = await Place.make(layout);
    const limits = { maxSize: 50_000_000, maxAge: 3_600_000 };
    await place.run(["run:0:40"], {}, limits);
    const { answers, warnings } = await place.run(
      [
        "now",
        "run:0:80",
        "reopen",
        "run:0:80",
        "gc",
        "verify",
        "run:0:80",
      ],
      { prefix: ["faketime", "-f", "-1d"] },
      limits,
    );
    assertEquals(warnings, []);
    const hits = { hits: 80, wrong: [] };
    const day = 24 * 3_600_000;
    assert(Math.abs(Date.now() - day - (answers.shift() as number)) < day / 2);
    assertEquals(answers, [
      { hits: 40, wrong: [] },
      "opened",
      hits,
      0,
      SOUND,
      hits,
    ]);
    // Ahead again: what was stored meanwhile seems a day old.
    await place.isHealthy(80);
  },
  { ignore: !hasFaketime() },
);

function hasFaketime(): boolean {
  try {
    return new Deno.Command("faketime", { args: ["--version"] })
      .outputSync().success;
  } catch {
    return false;
  }
}

/** Sets the modes of a folder and of all that is in it. */
function setModes(path: string, folder: number, file: number): void {
  // Folders first where they open up, last where they close.
  if ((folder & 0o200) !== 0) Deno.chmodSync(path, folder);
  for (const { name, isDirectory } of Deno.readDirSync(path)) {
    if (isDirectory) setModes(`${path}/${name}`, folder, file);
    else Deno.chmodSync(`${path}/${name}`, file);
  }
  Deno.chmodSync(path, folder);
}
