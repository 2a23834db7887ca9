/** The process of limit.ts: squares numbers from stdin to stdout, 8 bytes each. */

const numbers = new Float64Array(1);
const bytes = new Uint8Array(numbers.buffer);
const writer = Deno.stdout.writable.getWriter();
const reader = Deno.stdin.readable.getReader({ mode: "byob" });

for (let buffer = new ArrayBuffer(8);;) {
  const { done, value } = await reader.read(new Uint8Array(buffer), { min: 8 });
  if (done) break;
  bytes.set(value);
  numbers[0]! **= 2;
  await writer.write(bytes);
  buffer = value.buffer;
}
