import { assertEquals } from "@std/assert";
import {
  chunkMemory,
  type ChunkRequest,
  ChunkRequests,
} from "../../lib/worker/chunk_requests.ts";

function pair(): [ChunkRequests, ChunkRequests] {
  const memory = chunkMemory();
  return [new ChunkRequests(memory), new ChunkRequests(memory)];
}

function request(chunk: number): ChunkRequest {
  const ends = Uint32Array.from(
    { length: 1 + chunk % 300 },
    (_, i) => (1 + i) * (chunk % 7),
  );
  return {
    fn: 1 + chunk % 5,
    chunk,
    after: chunk % 3 === 1 ? undefined : chunk - 1,
    flag: 2 * chunk,
    measured: chunk % 2 === 0,
    ends,
    bytes: new Uint8Array(ends.at(-1)!).map((_, i) => i + chunk),
  };
}

Deno.test("chunks are read as they were written, also beyond the end of the memory", () => {
  const [program, worker] = pair();
  for (let chunk = 1; chunk < 3_000; chunk += 2) {
    assertEquals(program.write(request(chunk)), true);
    assertEquals(program.write(request(chunk + 1)), true);
    assertEquals(worker.read(), request(chunk));
    assertEquals(worker.read(), request(chunk + 1));
    assertEquals(worker.read(), undefined);
  }
});

Deno.test("where there is no room for a chunk nothing is written, and nothing is lost", () => {
  const [program, worker] = pair();
  let written = 0;
  while (program.write(request(written + 1))) written++;
  for (let chunk = 1; chunk <= written; chunk++) {
    assertEquals(worker.read(), request(chunk));
  }
  assertEquals(worker.read(), undefined);
  assertEquals(program.write(request(written + 1)), true);
  assertEquals(worker.read(), request(written + 1));
});
