/**
 * Pairs of rows of a table that are most alike: each job looks at the whole table, of which
 * there is one for all workers, as it was filled in shared memory and nobody writes to it now.
 *
 *     deno run -A examples/share.ts [ROWS]
 */
import * as hi from "@hither/hither";

const COLUMNS = 100;

const closest = hi.func(
  "share_closest",
  "1",
  (table: Float64Array, row: number) => {
    const rows = table.length / COLUMNS;
    let best = { row, other: row, distance: Infinity };
    for (let other = 0; other < rows; other++) {
      if (other === row) continue;
      let distance = 0;
      for (let i = 0; i < COLUMNS; i++) {
        const [x, y] = [row, other].map((r) => table[r * COLUMNS + i]!);
        distance += (x! - y!) ** 2;
      }
      if (distance < best.distance) best = { row, other, distance };
    }
    return best;
  },
);

if (import.meta.main) {
  const rows = Number(Deno.args[0] ?? 500);
  const bytes = rows * COLUMNS * Float64Array.BYTES_PER_ELEMENT;
  const table = new Float64Array(new SharedArrayBuffer(bytes));
  table.forEach((_, i) => table[i] = (i * i * 7_919) % 10_007);
  const shared = hi.share(table); // the table itself: from now on nobody writes to it
  await using jobHandler = new hi.ParallelJobHandler();
  await hi.config({ jobHandler, jobCache: null }, async () => {
    const numbers = Array.from({ length: rows }, (_, row) => row);
    const all = await Promise.all(
      numbers.map((row) => closest.run(shared, row)),
    );
    const { row, other, distance } = all.reduce((a, b) =>
      b.distance < a.distance ? b : a
    );
    console.log(`rows ${row} and ${other}: ${Math.sqrt(distance).toFixed(1)}`);
  });
}
