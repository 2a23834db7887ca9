/**
 * The process of limit.ts: squares numbers from stdin to stdout, 8 bytes each,
 * which pipes do not break up. With `blocking` it can hear nothing meanwhile.
 */

const numbers = new Float64Array(1);
const bytes = new Uint8Array(numbers.buffer);

if (Deno.args[0] === "blocking") {
  while (Deno.stdin.readSync(bytes) !== null) {
    numbers[0]! **= 2;
    Deno.stdout.writeSync(bytes);
  }
} else {
  while (await Deno.stdin.read(bytes) !== null) {
    numbers[0]! **= 2;
    await Deno.stdout.write(bytes);
  }
}
