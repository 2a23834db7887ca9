/**
 * A bare read of FILE into a new buffer; prints the ms. With BYTES it is written
 * first, and read by nobody.
 */

const [file = "", bytes] = Deno.args;
if (bytes !== undefined) {
  using written = Deno.createSync(file);
  const piece = crypto.getRandomValues(new Uint8Array(50_000));
  for (let at = 0; at < Number(bytes); at += piece.length) {
    written.writeSync(piece);
  }
}
const start = performance.now();
using opened = Deno.openSync(file);
const buffer = new Uint8Array(opened.statSync().size);
let filled = 0;
while (filled < buffer.length) {
  const count = opened.readSync(buffer.subarray(filled));
  if (count === null) throw new Error("the file ended early");
  filled += count;
}
console.log(performance.now() - start);
