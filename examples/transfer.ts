/**
 * 100 MB of samples, smoothed in a worker again and again: each time they go there and come
 * back without a copy, as neither this program nor the function keeps them.
 *
 *     deno run -A examples/transfer.ts [PASSES]
 */
import * as hi from "@hither/hither";

const smooth = hi.func("transfer_smooth", "1", (samples: Float64Array) => {
  let before = samples[0]!;
  for (let i = 1; i < samples.length - 1; i++) {
    const mean = (before + samples[i]! + samples[i + 1]!) / 3;
    before = samples[i]!;
    samples[i] = mean;
  }
  return hi.transfer(samples);
});

if (import.meta.main) {
  const passes = Number(Deno.args[0] ?? 3);
  await using jobHandler = new hi.ParallelJobHandler({ numWorkers: 1 });
  // What is kept in a cache has to be hashed, which takes longer than this.
  await hi.config({ jobHandler, jobCache: null }, async () => {
    let samples: Float64Array = Float64Array.from(
      { length: 12_500_000 },
      (_, i) => i % 2,
    );
    for (let pass = 0; pass < passes; pass++) {
      const given = samples;
      samples = await smooth.run(hi.transfer(given));
      console.assert(given.length === 0, "it is there no more");
    }
    const [even, odd] = samples.subarray(1_000_000);
    console.log(`${passes} passes: ${even!.toFixed(3)}, ${odd!.toFixed(3)}`);
  });
}
