import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { FileChangedError } from "../../lib/errors.ts";
import {
  digestOfFile,
  type FileState,
  isSettled,
  MemoryMemo,
  STORED_BYTES,
  withProcessMemo,
} from "../../lib/value/file_digest.ts";
import { sha256Hex } from "../../lib/value/sha256.ts";

/** A memo that counts what it was asked and told. */
class CountingMemo extends MemoryMemo {
  hits = 0;
  sets = 0;

  override get(path: string, state: FileState): string | undefined {
    const digest = super.get(path, state);
    if (digest !== undefined) this.hits++;
    return digest;
  }

  override set(path: string, state: FileState, digest: string): void {
    this.sets++;
    super.set(path, state, digest);
  }
}

/** Files are as old as the test says: what the system tells of them is moved into the past. */
function aged(): { ms: number } & Disposable {
  const { statSync } = Deno;
  const age = {
    ms: 0,
    [Symbol.dispose]: () => void (Deno.statSync = statSync),
  };
  const moved = (time: Date | null) => time && new Date(+time - age.ms);
  Deno.statSync = (path) => {
    const info = statSync(path);
    const { mtime, ctime } = info;
    return { ...info, mtime: moved(mtime), ctime: moved(ctime) };
  };
  return age;
}

const content = (fill: number) => new Uint8Array(100_000).fill(fill);

function withFile(body: (path: string) => void): () => void {
  return () => {
    const path = Deno.makeTempFileSync();
    try {
      Deno.writeFileSync(path, content(1));
      body(path);
    } finally {
      Deno.removeSync(path);
    }
  };
}

Deno.test(
  "a file that was left alone is hashed once",
  withFile((path) => {
    using age = aged();
    age.ms = 60_000;
    const memo = new CountingMemo();
    const first = digestOfFile(path, memo);
    assertEquals([memo.sets, memo.hits], [1, 0]);
    assertEquals(digestOfFile(path, memo), first);
    assertEquals([memo.sets, memo.hits], [1, 1]);
    assertEquals(first.digest, sha256Hex(content(1)));
  }),
);

Deno.test(
  "a file of the same size and mtime is hashed again where its ctime differs",
  withFile((path) => {
    using age = aged();
    age.ms = 60_000;
    const memo = new CountingMemo();
    const { mtime, atime } = Deno.statSync(path);
    digestOfFile(path, memo);
    // A minute later.
    age.ms = 0;
    Deno.writeFileSync(path, content(2));
    Deno.utimeSync(path, atime!, mtime!);
    assertEquals(Deno.statSync(path).mtime, mtime);
    assertEquals(digestOfFile(path, memo).digest, sha256Hex(content(2)));
    assertEquals(memo.hits, 0);
  }),
);

Deno.test(
  "a file that was just written is never remembered, whatever its mtime says",
  withFile((path) => {
    const memo = new CountingMemo();
    for (let i = 0; i < 50; i++) {
      Deno.writeFileSync(path, content(i));
      Deno.utimeSync(path, 1_000, 1_000);
      assertEquals(digestOfFile(path, memo).digest, sha256Hex(content(i)));
    }
    assertEquals([memo.sets, memo.hits], [0, 0]);
  }),
);

Deno.test(
  "another file at the same path is hashed, even if it has the same times",
  withFile((path) => {
    const { statSync } = Deno;
    const epoch = new Date(0);
    Deno.statSync = (path) => {
      return { ...statSync(path), mtime: epoch, ctime: epoch };
    };
    try {
      const memo = new CountingMemo();
      digestOfFile(path, memo);
      Deno.writeFileSync(`${path}.new`, content(2));
      Deno.renameSync(`${path}.new`, path);
      assertEquals(digestOfFile(path, memo).digest, sha256Hex(content(2)));
      assertEquals([memo.sets, memo.hits], [2, 0]);
    } finally {
      Deno.statSync = statSync;
    }
  }),
);

Deno.test("a file from the future is not trusted, nor one of this moment", () => {
  const at = (mtime: number, ctime: number) => ({
    dev: 1,
    ino: 1,
    size: 1,
    mtime,
    ctime,
  });
  const now = 1_000_000;
  assert(isSettled(at(now - 2_000, now - 2_000), now));
  assert(!isSettled(at(now - 1_999, now - 90_000), now));
  assert(!isSettled(at(now - 90_000, now - 1_999), now));
  // The clock was set back a day.
  assert(!isSettled(at(now - 90_000, now + 86_400_000), now));
});

Deno.test(
  "a file that is written while it is hashed is hashed again, and not for ever",
  withFile((path) => {
    const { openSync } = Deno;
    let writes = 0;
    const writeWhileReading = (times: number) => {
      Deno.openSync = (opened, options) => {
        const file = openSync(opened, options);
        if (opened === path && options === undefined && writes++ < times) {
          Deno.writeTextFileSync(path, `${writes}`, { append: true });
        }
        return file;
      };
    };
    try {
      writeWhileReading(2);
      const { digest } = digestOfFile(path, new MemoryMemo());
      assertEquals(digest, sha256Hex(Deno.readFileSync(path)));
      assertEquals(writes, 3);
      writes = 0;
      writeWhileReading(Infinity);
      const error = assertThrows(
        () => digestOfFile(path, new MemoryMemo()),
        FileChangedError,
      );
      assertStringIncludes(error.message, `${path} as it is being written`);
    } finally {
      Deno.openSync = openSync;
    }
  }),
);

Deno.test("what is remembered is bounded", () => {
  const memo = new MemoryMemo();
  const state = { dev: 1, ino: 1, size: 1, mtime: 1, ctime: 1 };
  for (let i = 0; i < 70_000; i++) memo.set(`/${i}`, state, "digest");
  assertEquals(memo.get("/0", state), undefined);
  assertEquals(memo.get("/69999", state), "digest");
});

Deno.test("of large files alone the digest is kept beyond the process", () => {
  const stored = new CountingMemo();
  const memo = withProcessMemo(stored);
  for (const size of [STORED_BYTES - 1, STORED_BYTES]) {
    const state = { dev: 1, ino: 1, size, mtime: 1, ctime: 1 };
    memo.set(`/kept beyond ${size}`, state, "digest");
    assertEquals(memo.get(`/kept beyond ${size}`, state), "digest");
  }
  assertEquals(stored.sets, 1);
});
