// Of several processes with one cache, one computes a key and the others wait.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { stdArguments } from "../house/run.ts";
import { type Layout, openLeased } from "./lease_support.ts";
import { TextLineStream } from "./lines.ts";
import {
  captureWarnings,
  filesOf,
  keyOf,
  makeFolder,
  seeded,
} from "./support.ts";
import type { Claim, Lease, LeaseHolder } from "../../lib/cache/lease.ts";

const CHILD = fromFileUrl(new URL("lease_child.ts", import.meta.url));

const LAYOUTS: readonly Layout[] = ["sqlite", "alone", "files"];

/** A signal that is never aborted. */
const { signal } = new AbortController();

/** Nothing may be left open after a test. */
const clean = { sanitizeOps: true, sanitizeResources: true };

function spawn(args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", ...stdArguments(), CHILD, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** A process that does what it is told. */
class Child implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #answers: ReadableStreamDefaultReader<string>;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array>;

  constructor(layout: Layout, path: string) {
    this.#process = spawn(["obey", layout, path]);
    this.#orders = this.#process.stdin.getWriter();
    this.#answers = this.#process.stdout
      .pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
      .getReader();
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Says what to do, and gives the answer. */
  async tell(order: string): Promise<string | undefined> {
    await this.#orders.write(new TextEncoder().encode(order + "\n"));
    return (await this.#answers.read()).value;
  }

  kill(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Resolves when it has ended. */
  async ended(): Promise<void> {
    await this.#process.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#process.status;
    await this.#answers.cancel();
    await this.#orders.abort().catch(() => {});
  }
}

function leaseOf(claim: Claim): Lease {
  if (claim.kind !== "granted") throw new Error(`the key is ${claim.kind}`);
  return claim.lease;
}

function holderOf(claim: Claim): LeaseHolder {
  if (claim.kind !== "held") throw new Error(`the key is ${claim.kind}`);
  return claim.by;
}

/** Replaces a method while it is in use. */
function replaced<O extends object, K extends keyof O>(
  object: O,
  name: K,
  value: O[K],
): Disposable {
  const original = object[name];
  object[name] = value;
  return { [Symbol.dispose]: () => void (object[name] = original) };
}

for (const layout of LAYOUTS) {
  const test = (name: string, body: (path: string) => Promise<void> | void) =>
    Deno.test({
      name: `${name} (${layout})`,
      ...clean,
      fn: async () => {
        await using folder = await makeFolder();
        await body(folder.path);
      },
    });

  test("A key is granted once; when it is stored, the others are told so", async (path) => {
    using a = openLeased(layout, path);
    using b = openLeased(layout, path);
    const lease = leaseOf(a.leases.claim(keyOf(1)));
    const holder = holderOf(b.leases.claim(keyOf(1)));
    assertEquals(holder.owner, lease.owner);
    assert(holder.description.endsWith(`process ${Deno.pid}`));
    assertEquals(a.leases.claim(keyOf(1)).kind, "held");
    assertEquals(b.leases.claim(keyOf(2)).kind, "granted");
    const changed = b.leases.changed(keyOf(1), signal);
    await a.store(1, lease);
    await changed;
    assertEquals(b.leases.claim(keyOf(1)).kind, "stored");
    assertEquals(a.leases.claim(keyOf(1)).kind, "stored");
    assert(b.isStored(1));
  });

  test("Who has seen the record that is there may claim its key all the same", async (path) => {
    using a = openLeased(layout, path);
    await a.store(1, leaseOf(a.leases.claim(keyOf(1))));
    const lease = leaseOf(a.leases.claim(keyOf(1), true));
    assert(a.leases.holds(lease));
    a.leases.release(lease);
    assertEquals(a.leases.claim(keyOf(1)).kind, "stored");
  });

  test("A key that is given back goes to one who waits, with a larger token", async (path) => {
    using a = openLeased(layout, path);
    using b = openLeased(layout, path);
    const lease = leaseOf(a.leases.claim(keyOf(1)));
    const changed = b.leases.changed(keyOf(1), signal);
    a.leases.release(lease);
    await changed;
    const next = leaseOf(b.leases.claim(keyOf(1)));
    assert(next.token > lease.token);
    assert(b.leases.holds(next) && !a.leases.holds(lease));
  });

  test("Another process is woken", async (path) => {
    using a = openLeased(layout, path);
    await using child = new Child(layout, path);
    const leases = [1, 2].map((n) => leaseOf(a.leases.claim(keyOf(n))));
    assertEquals(await child.tell("claim 1"), "held");
    const changed = child.tell("changed 1");
    await a.store(1, leases[0]!);
    assertEquals(await changed, "changed");
    assertEquals(await child.tell("claim 1"), "stored");
    assertEquals(await child.tell("claim 2"), "held");
    const given = child.tell("changed 2");
    a.leases.release(leases[1]!);
    assertEquals(await given, "changed");
    assertEquals(await child.tell("claim 2"), "granted");
  });

  test("The key of a process that is killed is free, and its file goes", async (path) => {
    using a = openLeased(layout, path);
    await using child = new Child(layout, path);
    assertEquals(await child.tell("claim 1"), "granted");
    assertEquals(a.leases.claim(keyOf(1)).kind, "held");
    const changed = a.leases.changed(keyOf(1), signal);
    child.kill("SIGKILL");
    await changed;
    const lease = leaseOf(a.leases.claim(keyOf(1)));
    assertEquals(filesOf(`${path}/owners`), [lease.owner]);
    await a.store(1, lease);
    assert(a.isStored(1));
  });

  test("A process that ends without a word leaves nothing for others to wait for", async (path) => {
    await using child = new Child(layout, path);
    assertEquals(await child.tell("claim 1"), "granted");
    assertEquals(await child.tell("leave"), "left");
    await child.ended();
    using a = openLeased(layout, path);
    while (a.leases.claim(keyOf(1)).kind !== "granted") {
      await a.leases.changed(keyOf(1), signal);
    }
  });

  test("Of those who wait for a dead owner one gets the key, the others wait for that one", async (path) => {
    await using child = new Child(layout, path);
    assertEquals(await child.tell("claim 1"), "granted");
    using a = openLeased(layout, path);
    using b = openLeased(layout, path);
    using c = openLeased(layout, path);
    const waiters = [a, b, c];
    for (const { leases } of waiters) {
      assertEquals(leases.claim(keyOf(1)).kind, "held");
    }
    const changed = Promise.all(
      waiters.map(({ leases }) => leases.changed(keyOf(1), signal)),
    );
    child.kill("SIGKILL");
    await changed;
    const claims = waiters.map(({ leases }) => leases.claim(keyOf(1)));
    const kinds = claims.map(({ kind }) => kind);
    assertEquals(kinds.toSorted(), ["granted", "held", "held"]);
    const winner = waiters[kinds.indexOf("granted")]!;
    const again = waiters.filter((waiter) => waiter !== winner)
      .map(({ leases }) => leases.changed(keyOf(1), signal));
    await winner.store(1, leaseOf(claims[kinds.indexOf("granted")]!));
    await Promise.all(again);
  });

  test("A process that is busy for long keeps its key", async (path) => {
    using a = openLeased(layout, path);
    await using child = new Child(layout, path);
    assertEquals(await child.tell("claim 1"), "granted");
    assertEquals(a.leases.claim(keyOf(1)).kind, "held");
    const changed = a.leases.changed(keyOf(1), signal);
    // Longer than any owner may be silent.
    assertEquals(await child.tell("block 7000"), "blocked");
    const stored = child.tell("store 1");
    await changed;
    assertEquals(a.leases.claim(keyOf(1)).kind, "stored");
    assertEquals(await stored, "stored");
  });

  test("What a process stores that was stopped and taken over is dropped", async (path) => {
    using a = openLeased(layout, path);
    await using child = new Child(layout, path);
    assertEquals(await child.tell("claim 1"), "granted");
    assertEquals(await child.tell("claim 2"), "granted");
    assertEquals(a.leases.claim(keyOf(1)).kind, "held");
    child.kill("SIGSTOP");
    await a.leases.changed(keyOf(1), signal);
    const lease = leaseOf(a.leases.claim(keyOf(1)));
    child.kill("SIGCONT");
    assertEquals(await child.tell("store 1"), "stored");
    assert(!a.isStored(1));
    assert(a.leases.holds(lease));
    await a.store(1, lease);
    assert(a.isStored(1));
    // It goes on, and others see that it lives.
    assertEquals(await child.tell("store 2"), "stored");
    assert(a.isStored(2));
    assertEquals(await child.tell("claim 3"), "granted");
    assertEquals(a.leases.claim(keyOf(3)).kind, "held");
  });

  test("The clock may be set back", async (path) => {
    using a = openLeased(layout, path);
    await using child = new Child(layout, path);
    assertEquals(await child.tell("claim 1"), "granted");
    assertEquals(a.leases.claim(keyOf(1)).kind, "held");
    const { now } = Date;
    using _back = replaced(Date, "now", () => now() - 86_400_000);
    child.kill("SIGKILL");
    await a.leases.changed(keyOf(1), signal);
    await a.store(1, leaseOf(a.leases.claim(keyOf(1))));
    assert(a.isStored(1));
  });

  test("200 keys are awaited with one watcher and one timer", async (path) => {
    using a = openLeased(layout, path);
    using b = openLeased(layout, path);
    const numbers = Array.from({ length: 200 }, (_, n) => n);
    const leases = numbers.map((n) => leaseOf(a.leases.claim(keyOf(n))));
    let watchers = 0;
    const { watchFs } = Deno;
    using _watch = replaced(Deno, "watchFs", (...args) => {
      watchers++;
      return watchFs(...args);
    });
    let timers = 0;
    const { setTimeout, clearTimeout } = globalThis;
    using _set = replaced(
      globalThis,
      "setTimeout",
      ((...args: Parameters<typeof setTimeout>) => {
        timers++;
        return setTimeout(...args);
      }) as typeof setTimeout,
    );
    using _clear = replaced(globalThis, "clearTimeout", (id) => {
      if (id !== undefined) timers--;
      clearTimeout(id);
    });
    const changed = numbers.map((n) => b.leases.changed(keyOf(n), signal));
    assertEquals([watchers, timers], [1, 1]);
    for (const n of numbers) await a.store(n, leases[n]!);
    await Promise.all(changed);
    for (const n of numbers) {
      assertEquals(b.leases.claim(keyOf(n)).kind, "stored");
    }
    assertEquals(filesOf(`${path}/wake`), []);
  });

  test("Where nothing can be watched, those who wait look from time to time", async (path) => {
    using a = openLeased(layout, path);
    await using child = new Child(layout, path);
    assertEquals(await child.tell("claim 1"), "granted");
    using _watch = replaced(Deno, "watchFs", () => {
      throw new Error("no watchers left");
    });
    assertEquals(a.leases.claim(keyOf(1)).kind, "held");
    const changed = a.leases.changed(keyOf(1), signal);
    assertEquals(await child.tell("store 1"), "stored");
    await changed;
    assertEquals(a.leases.claim(keyOf(1)).kind, "stored");
  });

  test("Who waits may give up", async (path) => {
    using a = openLeased(layout, path);
    using b = openLeased(layout, path);
    const lease = leaseOf(a.leases.claim(keyOf(1)));
    const controller = new AbortController();
    const changed = b.leases.changed(keyOf(1), controller.signal);
    controller.abort(new Error("not needed"));
    await assertRejects(() => changed, Error, "not needed");
    await assertRejects(
      () => b.leases.changed(keyOf(1), controller.signal),
      Error,
      "not needed",
    );
    const again = b.leases.changed(keyOf(1), signal);
    a.leases.release(lease);
    await again;
  });

  test("A cache that is closed gives all back, and has leases again when it is used", async (path) => {
    using a = openLeased(layout, path);
    using b = openLeased(layout, path);
    const lease = leaseOf(a.leases.claim(keyOf(1)));
    leaseOf(a.leases.claim(keyOf(2)));
    const changed = b.leases.changed(keyOf(1), signal);
    a[Symbol.dispose]();
    assertEquals(filesOf(`${path}/owners`).includes(lease.owner), false);
    await changed;
    assertEquals(b.leases.claim(keyOf(2)).kind, "granted");
    // Nobody else was at it: what was computed is kept.
    await a.store(1, lease);
    assert(b.isStored(1));
    assertEquals(a.leases.claim(keyOf(2)).kind, "held");
    assertEquals(a.leases.claim(keyOf(3)).kind, "granted");
    b[Symbol.dispose]();
    a[Symbol.dispose]();
    assertEquals(filesOf(`${path}/owners`), []);
  });

  test("Where nobody can say who he is, jobs run without leases", (path) => {
    // What leads nowhere is not set aside, as a disk may be meant that is away.
    Deno.symlinkSync(`${path}/away/owners`, `${path}/owners`);
    Deno.symlinkSync(`${path}/away/tmp`, `${path}/tmp`);
    using a = openLeased(layout, path);
    assertEquals(a.leases.claim(keyOf(1)).kind, "none");
  });

  for (
    const [who, change] of [
      ["whose number another process has by now", { pid: Deno.pid }],
      ["of a machine of another name", { host: "elsewhere" }],
    ] as const
  ) {
    test(`The key of a dead process ${who} is free`, async (path) => {
      using a = openLeased(layout, path);
      await using child = new Child(layout, path);
      assertEquals(await child.tell("claim 1"), "granted");
      const { owner } = holderOf(a.leases.claim(keyOf(1)));
      child.kill("SIGKILL");
      await child.ended();
      const file = `${path}/owners/${owner}`;
      const [head = "", ...beats] = Deno.readTextFileSync(file).split("\n");
      const changed = JSON.stringify({ ...JSON.parse(head), ...change });
      Deno.writeTextFileSync(file, [changed, ...beats].join("\n"));
      while (a.leases.claim(keyOf(1)).kind !== "granted") {
        await a.leases.changed(keyOf(1), signal);
      }
    });
  }

  test("A damaged file of an owner costs one wait at most", async (path) => {
    using a = openLeased(layout, path);
    await using child = new Child(layout, path);
    assertEquals(await child.tell("claim 1"), "granted");
    const { owner } = holderOf(a.leases.claim(keyOf(1)));
    const file = `${path}/owners/${owner}`;
    const bytes = Deno.readFileSync(file);
    child.kill("SIGKILL");
    await child.ended();
    bytes[0]! ^= 1;
    Deno.writeFileSync(file, bytes);
    while (a.leases.claim(keyOf(1)).kind !== "granted") {
      await a.leases.changed(keyOf(1), signal);
    }
  });
}

Deno.test({
  name: "A damaged lease costs one wait, or one execution, at most",
  ...clean,
  fn: async () => {
    await using folder = await makeFolder();
    using a = openLeased("files", folder.path);
    using b = openLeased("files", folder.path);
    const lease = leaseOf(a.leases.claim(keyOf(1)));
    const [name] = filesOf(`${folder.path}/leases`);
    const file = `${folder.path}/leases/${name}`;
    const bytes = Deno.readFileSync(file);
    // Each bit of it, in turn.
    for (let bit = 0; bit < 8 * bytes.length; bit += 7) {
      const damaged = bytes.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      Deno.writeFileSync(file, damaged);
      assert(["held", "granted"].includes(b.leases.claim(keyOf(1)).kind));
      b[Symbol.dispose]();
    }
    Deno.writeFileSync(file, bytes.fill(0));
    assertEquals(b.leases.claim(keyOf(1)).kind, "held");
    await b.leases.changed(keyOf(1), signal);
    await b.store(1, leaseOf(b.leases.claim(keyOf(1))));
    await a.store(1, lease);
    assert(a.isStored(1));
    assertEquals(filesOf(`${folder.path}/leases`), []);
  },
});

/** What the log of a storm tells. */
function judge(log: string): {
  executions: number;
  kills: number;
  overlaps: string[];
  missing: number[];
} {
  let executions = 0, kills = 0;
  const overlaps: string[] = [];
  const running = new Map<string, string>();
  const done = new Set<string>();
  const killed = new Set<string>();
  for (const line of Deno.readTextFileSync(log).trimEnd().split("\n")) {
    const [what, subject = "", pid = ""] = line.split(" ");
    if (what === "begin") {
      executions++;
      // Begun between the note and the blow.
      if (killed.has(pid)) continue;
      const other = running.get(subject);
      if (other !== undefined) overlaps.push(`${line} while ${other} runs it`);
      running.set(subject, pid);
    } else if (what === "end") {
      if (running.get(subject) === pid) running.delete(subject);
      done.add(subject);
    } else {
      kills++;
      killed.add(subject);
      // From here on it does not count what that process is at.
      for (const [n, owner] of running) {
        if (owner === subject) running.delete(n);
      }
    }
  }
  const missing = KEYS.filter((n) => !done.has(`${n}`));
  return { executions, kills, overlaps, missing };
}

const KEYS = Array.from({ length: 200 }, (_, n) => n);

Deno.test("A log of executions that overlap is not let through", async () => {
  await using folder = await makeFolder();
  const log = `${folder.path}/log`;
  Deno.writeTextFileSync(log, "begin 1 10\nbegin 1 11\nend 1 10\n");
  assertEquals(judge(log).overlaps, ["begin 1 11 while 10 runs it"]);
  Deno.writeTextFileSync(log, "begin 1 10\nkill 10\nbegin 1 11\nend 1 11\n");
  assertEquals(judge(log).overlaps, []);
  Deno.writeTextFileSync(log, "kill 10\nbegin 1 10\nbegin 1 11\nend 1 11\n");
  assertEquals(judge(log).overlaps, []);
});

for (const layout of LAYOUTS) {
  Deno.test(`8 processes that are killed at random compute 200 keys once each (${layout})`, async () => {
    await using folder = await makeFolder();
    const log = `${folder.path}/log`;
    const path = `${folder.path}/cache`;
    Deno.writeTextFileSync(log, "");
    const start = () =>
      spawn(["storm", layout, path, log, `${KEYS.length}`, "15"]);
    const running = new Set(Array.from({ length: 8 }, start));
    // Whenever so many executions have begun, somebody dies and another one starts.
    const random = seeded(1);
    using watcher = Deno.watchFs(log);
    let next = 15;
    for await (const _ of watcher) {
      if (judge(log).executions < next) continue;
      next += 15;
      const victim = [...running][Math.floor(random() * running.size)]!;
      Deno.writeTextFileSync(log, `kill ${victim.pid}\n`, { append: true });
      victim.kill("SIGKILL");
      await victim.output();
      running.delete(victim);
      running.add(start());
      if (next > 160) break;
    }
    for (const process of running) {
      const { success, stdout } = await process.output();
      assert(success);
      assertEquals(new TextDecoder().decode(stdout), "done\n");
    }
    const { executions, kills, overlaps, missing } = judge(log);
    assertEquals([overlaps, missing, kills], [[], [], 10]);
    assert(executions >= KEYS.length);
    assert(executions <= KEYS.length + kills, `${executions} executions`);
    using cache = openLeased(layout, path);
    assert(KEYS.every((n) => cache.isStored(n)));
    // Who is killed while it wishes to be woken leaves that behind; it goes when it is old.
    const wishes = filesOf(`${path}/wake`);
    assert(wishes.length <= kills, `${wishes.length} wishes`);
    for (const name of wishes) Deno.utimeSync(`${path}/wake/${name}`, 0, 0);
    cache.leases.release(leaseOf(cache.leases.claim(keyOf(KEYS.length))));
    assertEquals(filesOf(`${path}/wake`), []);
  });
}

Deno.test("A busy database is told, and when it may be tried again", async () => {
  await using folder = await makeFolder();
  using a = openLeased("sqlite", folder.path);
  await a.store(1, leaseOf(a.leases.claim(keyOf(1))));
  const given = leaseOf(a.leases.claim(keyOf(2)));
  using db = new DatabaseSync(`${folder.path}/cache.sqlite`);
  db.exec("BEGIN IMMEDIATE");
  assertEquals(a.leases.claim(keyOf(3)).kind, "busy");
  // The database is let alone for a moment.
  assertEquals(a.leases.claim(keyOf(4)).kind, "busy");
  a.leases.release(given);
  await a.leases.changed(keyOf(3), signal);
  assertEquals(a.leases.claim(keyOf(3)).kind, "busy");
  const changed = a.leases.changed(keyOf(3), signal);
  db.exec("COMMIT");
  await changed;
  leaseOf(a.leases.claim(keyOf(3)));
  using b = openLeased("sqlite", folder.path);
  // What was given back meanwhile is free in the end.
  while (b.leases.claim(keyOf(2)).kind !== "granted") {
    await b.leases.changed(keyOf(2), signal);
  }
});

/** A clock that is set by hand, later than the real one. */
function movedClock(): { later: number } & Disposable {
  const { now } = performance;
  const clock = {
    later: 0,
    [Symbol.dispose]: () => void (performance.now = now),
  };
  performance.now = () => now.call(performance) + clock.later;
  return clock;
}

/** Lets timers end at once while it is in use, and counts them. */
function hastyTimers(): { count: number } & Disposable {
  const { setTimeout } = globalThis;
  const timers = {
    count: 0,
    [Symbol.dispose]: () => void (globalThis.setTimeout = setTimeout),
  };
  globalThis.setTimeout = ((callback: () => void) => {
    timers.count++;
    return setTimeout(callback, 0);
  }) as typeof setTimeout;
  return timers;
}

Deno.test("A database that others keep locked costs leases and records, not results, and each is said once", async () => {
  await using folder = await makeFolder();
  using warnings = captureWarnings();
  using a = openLeased("sqlite", folder.path);
  const kept = leaseOf(a.leases.claim(keyOf(1)));
  using db = new DatabaseSync(`${folder.path}/cache.sqlite`);
  db.exec("BEGIN IMMEDIATE");
  using clock = movedClock();
  let tries = 0;
  while (a.leases.claim(keyOf(2)).kind === "busy") {
    assert(++tries < 100);
    clock.later += 1_000;
  }
  // A moment is not enough.
  assert(tries > 10);
  for (const n of [2, 3]) {
    assertEquals(a.leases.claim(keyOf(n)).kind, "none");
  }
  assertEquals(warnings.lines.length, 1);
  assert(warnings.lines[0]!.includes(`${folder.path}/cache.sqlite`));
  assert(warnings.lines[0]!.includes("another program keeps it locked"));
  {
    using timers = hastyTimers();
    await a.store(1, kept);
    const first = timers.count;
    await a.store(2);
    assert(first > 40, `${first}`);
    assert(timers.count - first < first / 4, `${timers.count} after ${first}`);
  }
  assertEquals(warnings.lines.length, 2);
  assert(warnings.lines[1]!.includes("results are not stored"));
  db.exec("COMMIT");
  clock.later += 1_000;
  const lease = leaseOf(a.leases.claim(keyOf(3)));
  await a.store(3, lease);
  assert(a.isStored(3));
  // All is as before.
  db.exec("BEGIN IMMEDIATE");
  assertEquals(a.leases.claim(keyOf(4)).kind, "busy");
  db.exec("COMMIT");
  assertEquals(warnings.lines.length, 2);
});

Deno.test("While a result waits to be stored, nothing more is claimed: a kill would lose that, too", async () => {
  await using folder = await makeFolder();
  using a = openLeased("sqlite", folder.path);
  const lease = leaseOf(a.leases.claim(keyOf(1)));
  let stored: Promise<void>;
  {
    using other = new DatabaseSync(`${folder.path}/cache.sqlite`);
    other.exec("BEGIN IMMEDIATE");
    stored = a.store(1, lease);
    other.exec("COMMIT");
  }
  assertEquals(a.leases.claim(keyOf(2)).kind, "busy");
  await stored;
  while (a.leases.claim(keyOf(2)).kind !== "granted") {
    await a.leases.changed(keyOf(2), signal);
  }
  assert(a.isStored(1));
});

Deno.test("Leases go on when a damaged database is replaced", async () => {
  await using folder = await makeFolder();
  using warnings = captureWarnings();
  {
    using a = openLeased("sqlite", folder.path);
    for (let n = 0; n < 30; n++) {
      await a.store(n, leaseOf(a.leases.claim(keyOf(n))));
    }
  }
  using a = openLeased("sqlite", folder.path);
  const lease = leaseOf(a.leases.claim(keyOf(50)));
  // Garbage in the root of the index of keys.
  {
    using file = Deno.openSync(`${folder.path}/cache.sqlite`, { write: true });
    file.seekSync(2 * 4_096, Deno.SeekMode.Start);
    file.writeSync(new Uint8Array(4_096).fill(0xa5));
  }
  using b = openLeased("sqlite", folder.path);
  const other = leaseOf(b.leases.claim(keyOf(51)));
  assert(warnings.lines.some((line) => line.includes("is damaged")));
  await b.store(51, other);
  await a.store(50, lease);
  assert([50, 51].every((n) => a.isStored(n) || b.isStored(n)));
  leaseOf(b.leases.claim(keyOf(52)));
});

Deno.test("Rows of owners that are dead, unknown or damaged hold nobody up", async () => {
  await using folder = await makeFolder();
  {
    await using child = new Child("sqlite", folder.path);
    for (const n of [1, 2]) await child.tell(`claim ${n}`);
    child.kill("SIGKILL");
    await child.ended();
  }
  using db = new DatabaseSync(`${folder.path}/cache.sqlite`);
  const rows = () =>
    db.prepare("SELECT key FROM leases").all().map(({ key }) =>
      (key as Uint8Array).toHex()
    );
  assertEquals(rows().length, 2);
  using a = openLeased("sqlite", folder.path);
  const lease = leaseOf(a.leases.claim(keyOf(3)));
  // The dead owner's rows and file are gone, though nobody has asked for those keys.
  assertEquals(rows(), [keyOf(3).toHex()]);
  assertEquals(filesOf(`${folder.path}/owners`), [lease.owner]);
  using b = openLeased("sqlite", folder.path);
  for (const owner of ["../../x", "x", crypto.randomUUID()]) {
    db.prepare("UPDATE leases SET owner = ?").run(owner);
    b.leases.release(leaseOf(b.leases.claim(keyOf(3))));
    assertEquals(rows(), []);
    db.prepare("INSERT INTO leases VALUES (?, ?, 1, 1, 0)")
      .run(keyOf(3), owner);
  }
  // A token that nobody was given: its owner knows that it is not its own.
  db.prepare("UPDATE leases SET owner = ?").run(lease.owner);
  assertEquals(b.leases.claim(keyOf(3)).kind, "held");
  await a.store(3, lease);
  assertEquals(b.leases.claim(keyOf(3)).kind, "granted");
});

/** The leases that stand in the database, by key; "" is that of who is alone. */
function rowsIn(path: string): string[] {
  using db = new DatabaseSync(`${path}/cache.sqlite`);
  return db.prepare("SELECT hex(key) AS key FROM leases ORDER BY key").all()
    .map(({ key }) => String(key).toLowerCase());
}

function change(path: string, sql: string): void {
  using db = new DatabaseSync(`${path}/cache.sqlite`);
  db.exec(sql);
}

Deno.test({
  name: "Who is alone writes no row for a lease; whoever comes later finds it",
  ...clean,
  fn: async () => {
    await using folder = await makeFolder();
    const { path } = folder;
    using a = openLeased("alone", path);
    await a.store(0, leaseOf(a.leases.claim(keyOf(0))));
    const lease = leaseOf(a.leases.claim(keyOf(1)));
    assertEquals(rowsIn(path), [""]);
    assert(a.leases.holds(lease));
    using b = openLeased("sqlite", path);
    const other = leaseOf(b.leases.claim(keyOf(2)));
    assertEquals(
      rowsIn(path),
      [keyOf(1).toHex(), keyOf(2).toHex()].sort(),
    );
    assertEquals(b.leases.claim(keyOf(0)).kind, "stored");
    assertEquals(holderOf(b.leases.claim(keyOf(1))).owner, lease.owner);
    assertEquals(holderOf(a.leases.claim(keyOf(2))).owner, other.owner);
    assert(a.leases.holds(lease));
    const changed = b.leases.changed(keyOf(1), signal);
    await a.store(1, lease);
    await changed;
    assertEquals(b.leases.claim(keyOf(1)).kind, "stored");
  },
});

Deno.test("Who is not alone any more keeps its lease, though whoever came died before it wrote that down", async () => {
  for (const end of ["store", "release"] as const) {
    await using folder = await makeFolder();
    const { path } = folder;
    using a = openLeased("alone", path);
    const lease = leaseOf(a.leases.claim(keyOf(1)));
    change(path, "UPDATE leases SET wanted = 1");
    assert(a.leases.holds(lease));
    using b = openLeased("sqlite", path);
    if (end === "store") await a.store(1, lease);
    else a.leases.release(lease);
    assertEquals(a.isStored(1), end === "store");
    assertEquals(
      b.leases.claim(keyOf(1)).kind,
      end === "store" ? "stored" : "granted",
    );
    leaseOf(a.leases.claim(keyOf(2)));
  }
});

Deno.test({
  name: "Nobody waits for a lease that had ended when others read of it",
  ...clean,
  fn: async () => {
    await using folder = await makeFolder();
    const { path } = folder;
    using a = openLeased("alone", path);
    await a.store(1, leaseOf(a.leases.claim(keyOf(1))));
    change(path, "DELETE FROM records");
    using b = openLeased("sqlite", path);
    assertEquals(b.leases.claim(keyOf(1)).kind, "held");
    await b.leases.changed(keyOf(1), signal);
    leaseOf(b.leases.claim(keyOf(1)));
  },
});

Deno.test({
  name: "The lease of who was alone is free when its file is gone",
  ...clean,
  fn: async () => {
    await using folder = await makeFolder();
    const { path } = folder;
    using a = openLeased("alone", path);
    const lease = leaseOf(a.leases.claim(keyOf(1)));
    Deno.removeSync(`${path}/owners/${lease.owner}`);
    using b = openLeased("sqlite", path);
    const other = leaseOf(b.leases.claim(keyOf(1)));
    await a.store(1, lease);
    assert(!a.isStored(1) && !a.leases.holds(lease));
    await b.store(1, other);
    assert(a.isStored(1));
  },
});

Deno.test("Where there are no hard links, a lease is made in its place", async () => {
  await using folder = await makeFolder();
  using _links = replaced(Deno, "linkSync", () => {
    throw new Deno.errors.NotSupported("no hard links here");
  });
  using a = openLeased("files", folder.path);
  using b = openLeased("files", folder.path);
  const lease = leaseOf(a.leases.claim(keyOf(1)));
  assertEquals(b.leases.claim(keyOf(1)).kind, "held");
  await a.store(1, lease);
  assertEquals(b.leases.claim(keyOf(1)).kind, "stored");
});
