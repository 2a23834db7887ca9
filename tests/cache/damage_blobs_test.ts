/**
 * Damage to blobs, as a program sees it whose jobs all hit: some bytes of each
 * blob are flipped, one at a time. With HITHER_TEST_FULL=1 every byte is, which
 * takes some minutes for each layout; the parts can be run beside each other
 * (`--filter "part 1"`).
 */

import { assertEquals, assertThrows } from "@std/assert";
import * as hi from "../../mod.ts";
import { captureWarnings, filesOf, seeded, testBoth } from "./support.ts";

const FULL = Deno.env.get("HITHER_TEST_FULL") === "1";

const RESULTS = 200;

/** Flips for each blob where not every byte has its turn. */
const SAMPLE = 16;

const PARTS = FULL ? 4 : 1;

const SEED = 20_261_125;

let calls = 0;

/** Of ten results one is a large array and one a long text, which are blobs; the others are in their records. */
const make = hi.func("damage_blobs", "1", (n: number): string | Uint8Array => {
  calls++;
  const random = seeded(SEED + n);
  const letter = () => 0x20 + Math.floor(random() * 95);
  switch (n % 10) {
    case 7:
      return String.fromCharCode(...Array.from({ length: 66_000 }, letter));
    case 8:
      return Uint8Array.from({ length: 66_000 }, letter);
    default:
      return `${n}: ${random()}`;
  }
});

/** A folder in memory, where the system offers that. */
async function folderInMemory(): Promise<{ path: string } & AsyncDisposable> {
  const dir = await Deno.stat("/dev/shm").then(() => "/dev/shm", () => "");
  const path = await Deno.makeTempDir({ prefix: "hither_", ...dir && { dir } });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

function* positions(size: number): Iterable<number> {
  if (FULL) {
    for (let i = 0; i < size; i++) yield i;
    return;
  }
  const random = seeded(SEED + size);
  for (let i = 0; i < SAMPLE; i++) yield Math.floor(random() * size);
}

/** Which result each blob is of: the one that its loss costs. */
async function ownersOf(folder: string): Promise<Map<string, number>> {
  const owners = new Map<string, number>();
  const all = Array.from({ length: RESULTS }, (_, n) => n);
  await Promise.all(make.map(all));
  for (const name of filesOf(`${folder}/blobs`)) {
    const path = `${folder}/blobs/${name}`;
    Deno.renameSync(path, `${path}.away`);
    const lost = all.filter((n) => isLost(make.run(n)));
    assertEquals(lost.length, 1, name);
    owners.set(name, lost[0]!);
    Deno.renameSync(`${path}.away`, path);
  }
  return owners;
}

function isLost(job: hi.Job<unknown>): boolean {
  try {
    job.getResult();
    return false;
  } catch (error) {
    if (error instanceof hi.ResultLostError) return true;
    throw error;
  }
}

for (let part = 0; part < PARTS; part++) {
  const which = FULL ? ` (part ${part + 1} of ${PARTS})` : "";
  testBoth(
    `Each flipped byte of a blob costs its own result, and only as long as it is flipped${which}`,
    async (layout) => {
      await using folder = await folderInMemory();
      using _quiet = captureWarnings();
      const expected: (string | Uint8Array)[] = [];
      {
        await using jobCache = new hi.JobCache({ path: folder.path, layout });
        await hi.config({ jobCache }, async () => {
          for (let n = 0; n < RESULTS; n++) expected.push(await make.run(n));
        });
      }
      // What is damaged stays where it is, and is mended here.
      const { path } = folder;
      await using jobCache = new hi.JobCache({ path, layout, readonly: true });
      const owners = await hi.config({ jobCache }, () => ownersOf(path));
      assertEquals(owners.size, RESULTS / 5);
      const before = calls;
      const random = seeded(SEED + part);
      let flips = 0;
      for (const [i, [name, n]] of [...owners].entries()) {
        if (i % PARTS !== part) continue;
        // A scope for each, as it keeps its jobs.
        await hi.config({ jobCache }, () => {
          using file = Deno.openSync(`${path}/blobs/${name}`, {
            read: true,
            write: true,
          });
          const byte = new Uint8Array(1);
          const put = (position: number, mask: number) => {
            file.seekSync(position, Deno.SeekMode.Start);
            file.readSync(byte);
            byte[0]! ^= mask;
            file.seekSync(position, Deno.SeekMode.Start);
            file.writeSync(byte);
          };
          for (const position of positions(file.statSync().size)) {
            const mask = 1 + Math.floor(random() * 255);
            put(position, mask);
            // A new job looks its record up, and then reads its blob.
            const job = make.run(n);
            assertEquals(job.cached, true);
            assertThrows(
              () => job.getResult(),
              hi.ResultLostError,
              "is damaged",
              `byte ${position} of ${name} xor ${mask}`,
            );
            put(position, mask);
            flips++;
          }
          const job = make.run(n);
          assertEquals([job.cached, job.getResult()], [true, expected[n]]);
        });
      }
      assertEquals(calls, before);
      if (FULL) console.log(`${flips} flips, each noticed`);
      else assertEquals(flips, owners.size * SAMPLE);
    },
  );
}

testBoth(
  "A job whose blob is damaged is run again where its result is awaited",
  async (layout) => {
    await using folder = await folderInMemory();
    using _quiet = captureWarnings();
    await using jobCache = new hi.JobCache({ path: folder.path, layout });
    await hi.config({ jobCache }, async () => {
      const right = [await make.run(7), await make.run(8)];
      for (const name of filesOf(`${folder.path}/blobs`)) {
        const path = `${folder.path}/blobs/${name}`;
        const bytes = await Deno.readFile(path);
        bytes[bytes.length >> 1]! ^= 1;
        await Deno.writeFile(path, bytes);
      }
      const before = calls;
      const again = [make.run(7), make.run(8)];
      assertEquals(await Promise.all(again), right);
      assertEquals(calls, before + 2);
      assertEquals(await Promise.all([make.run(7), make.run(8)]), right);
      assertEquals(calls, before + 2);
    });
  },
);
