/** A script as one writes it: 8 jobs, all in the cache in FOLDER after the first run. */

import * as hi from "@hither/hither";

const double = hi.func("bench_double", "1.0.0", (x: number) => 2 * x);

hi.setDefaults({ jobCache: new hi.JobCache({ path: Deno.args[0]! }) });
const jobs = [0, 1, 2, 3, 4, 5, 6, 7].map((x) => double.run(x));
await hi.wait();
console.log(jobs.map((job) => job.getResult()));
