// Whose records are used, where keys are named.
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import * as hi from "@hither/hither";
import {
  decodeRecordFile,
  KnownFunctions,
  withSignatures,
} from "../../lib/cache/record_file.ts";
import { seal, SEAL_BYTES } from "../../lib/cache/sealed.ts";
import { captureWarnings, LAYOUTS, makeFolder } from "./support.ts";
import {
  callsOf,
  fileIn,
  large,
  readThrough,
  serve,
  twice,
} from "./upstream_support.ts";

/** A published folder, signed by one of two keys. */
async function signed() {
  const folder = await makeFolder();
  const { path } = folder;
  const [ours, theirs] = await Promise.all([
    hi.generateSigningKey(),
    hi.generateSigningKey(),
  ]);
  await Deno.writeTextFile(`${path}/ours.pem`, ours.privateKey);
  await Deno.writeTextFile(`${path}/theirs.pem`, theirs.privateKey);
  await using jobCache = new hi.JobCache({ path: `${path}/cache` });
  await hi.config({ jobCache }, async () => {
    await large.run(1);
  });
  const publish = async (sign?: string) => {
    await jobCache.export(`${path}/public`, {
      sign: sign && `${path}/${sign}.pem`,
    });
    return `${path}/public`;
  };
  return Object.assign(folder, {
    ours: ours.publicKey,
    theirs: theirs.publicKey,
    publish,
  });
}

/** How often a job runs that reads through a place, trusting some keys. */
async function runsOf(path: string, trust: string[]): Promise<number> {
  await using server = serve(path);
  const counts: number[] = [];
  for (const place of [{ path }, { url: server.url }]) {
    await readThrough([{ ...place, trust }], async () => {
      const runs = await callsOf(async () => {
        assertEquals((await large.run(1))[0], 1);
      });
      counts.push(runs);
    });
  }
  assertEquals(counts[0], counts[1]);
  return counts[0]!;
}

Deno.test("A record that a trusted key has signed is used, others are not", async () => {
  await using folder = await signed();
  const { ours, theirs } = folder;
  using warnings = captureWarnings();
  const path = await folder.publish();
  assertEquals(await runsOf(path, [ours]), 1);
  await folder.publish("theirs");
  assertEquals(await runsOf(path, [ours]), 1);
  assertEquals(await runsOf(path, [theirs]), 0);
  assertEquals(await runsOf(path, [ours, theirs]), 0);
  await folder.publish("ours");
  assertEquals(await runsOf(path, [ours]), 0);
  assertEquals(await runsOf(path, [theirs]), 0, "both signatures are kept");
  for (const line of warnings.lines) {
    assertMatch(line, /no key in trust has signed/);
  }
  assert(warnings.lines.length > 0);
});

Deno.test("A signature counts for no other record, and for no other byte of its own", async () => {
  await using folder = await signed();
  const { ours } = folder;
  const path = await folder.publish("ours");
  const place = fileIn(`${path}/jobs`);
  const file = await Deno.readFile(place);
  const decode = (bytes: Uint8Array<ArrayBuffer>) =>
    decodeRecordFile(bytes, new KnownFunctions());
  const record = decode(file)!;
  using _ = captureWarnings();

  // Of another record.
  await using jobCache = new hi.JobCache({ path: `${folder.path}/other` });
  await hi.config({ jobCache }, () => twice.run(77).wait());
  await jobCache.export(`${folder.path}/others`, {
    sign: `${folder.path}/ours.pem`,
  });
  const foreign = decode(
    await Deno.readFile(fileIn(`${folder.path}/others/jobs`)),
  )!;
  await Deno.writeFile(place, withSignatures(record, foreign.signatures));
  assertEquals(await runsOf(path, [ours]), 1);

  // Made up, or with the key of somebody else.
  const forged = record.signatures.slice();
  crypto.getRandomValues(forged.subarray(32));
  await Deno.writeFile(place, withSignatures(record, forged));
  assertEquals(await runsOf(path, [ours]), 1);

  // The record itself was changed after it was signed, and sealed anew.
  let used = 0;
  for (let at = 0; at < record.signed.length; at += 7) {
    const changed = file.slice();
    changed[SEAL_BYTES + 4 + at]! ^= 1;
    seal(changed, "R");
    const found = decode(changed);
    if (found === undefined) continue;
    used++;
    const { isSignedBy } = await import("../../lib/cache/signature.ts");
    const { trustedKeys } = await import("../../lib/cache/public_key.ts");
    assert(!await isSignedBy(found, trustedKeys([ours], "Cannot")), `${at}`);
  }
  assert(used > 3);
  await Deno.writeFile(place, file);
  assertEquals(await runsOf(path, [ours]), 0);
});

Deno.test("Only what a trusted key has signed is imported", async () => {
  await using folder = await signed();
  const path = await folder.publish("ours");
  for (const layout of LAYOUTS) {
    await using cache = new hi.JobCache({
      path: `${folder.path}/${layout}`,
      layout,
    });
    const refused = await cache.import(path, { trust: [folder.theirs] });
    assertEquals([refused.imported, refused.untrusted], [0, 1]);
    const taken = await cache.import(path, { trust: [folder.ours] });
    assertEquals([taken.imported, taken.untrusted], [1, 0]);
  }
});

Deno.test("A key that is none is told by its file", async () => {
  await using folder = await makeFolder();
  const { path } = folder;
  await using jobCache = new hi.JobCache({ path: `${path}/cache` });
  await hi.config({ jobCache }, () => twice.run(1).wait());
  await Deno.writeTextFile(`${path}/key.pem`, "no key");
  await assertRejects(
    () => jobCache.export(`${path}/public`, { sign: `${path}/key.pem` }),
    TypeError,
    "key.pem must hold a private key of Ed25519 as PKCS #8: make one with hither cache keygen",
  );
  await assertRejects(
    () => jobCache.export(`${path}/public`, { sign: `${path}/none.pem` }),
    hi.CacheError,
    "none.pem cannot be read",
  );
  await assertRejects(
    () => jobCache.import(`${path}/cache2`, { trust: ["key"] }),
    TypeError,
    "as a key in trust must be",
  );
});

Deno.test("Keys of OpenSSL sign as well", async () => {
  await using folder = await makeFolder();
  const { path } = folder;
  let made: Deno.CommandOutput;
  try {
    made = await new Deno.Command("openssl", {
      args: ["genpkey", "-algorithm", "ed25519", "-out", `${path}/key.pem`],
      stderr: "null",
    }).output();
  } catch {
    console.log("skipped, as there is no openssl here");
    return;
  }
  assert(made.success);
  await using jobCache = new hi.JobCache({ path: `${path}/cache` });
  await hi.config({ jobCache }, () => twice.run(1).wait());
  const report = await jobCache.export(`${path}/public`, {
    sign: `${path}/key.pem`,
  });
  assertEquals(report.written, 1);
});
