/**
 * A cache that others can read through: signed, exported, served as plain files. Here the
 * server is this program; elsewhere `rsync` the folder to one, or to a bucket.
 *
 *     deno run -A examples/layers.ts
 */
import * as hi from "@hither/hither";

let computed = 0;
const primes = hi.func("layers_primes", "1", (below: number) => {
  computed++;
  const found: number[] = [];
  for (let n = 2; n < below; n++) {
    if (found.every((prime) => n % prime !== 0)) found.push(n);
  }
  return Int32Array.from(found);
});

if (import.meta.main) {
  const folder = await Deno.makeTempDir();
  const { publicKey, privateKey } = await hi.generateSigningKey();
  const keyFile = `${folder}/key.pem`;
  await Deno.writeTextFile(keyFile, privateKey, { mode: 0o600 });
  {
    // Ada computes and publishes.
    await using jobCache = new hi.JobCache({ path: `${folder}/ada` });
    await hi.config({ jobCache }, () => primes.run(2_000));
    const { written } = await jobCache.export(`${folder}/public`, {
      sign: keyFile,
    });
    console.log(`computed ${computed}, published ${written}`);
  }
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    ({ url }) =>
      Deno.readFile(`${folder}/public${new URL(url).pathname}`).then(
        (file) => new Response(file),
        () => new Response(null, { status: 404 }),
      ),
  );
  {
    // Grace reads through, and trusts Ada's key alone.
    const url = `http://127.0.0.1:${server.addr.port}`;
    await using jobCache = new hi.JobCache({
      path: `${folder}/grace`,
      upstream: [{ url, trust: [publicKey] }],
    });
    await hi.config({ jobCache }, async () => {
      const job = primes.run(2_000);
      console.log(`${(await job).length} primes, computed ${computed}`);
      console.log(job.explain().text.replace(url, "URL"));
    });
  }
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
}
