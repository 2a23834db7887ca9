/**
 * Runs a deno command of this project where JSR answers and where it does not:
 *
 *     deno run -A -q --cached-only tools/deno.ts COMMAND [ARGUMENT...]
 *
 * `deno.json` names `jsr:@std/*`. Where Deno has those packages, or can get them,
 * the command runs as it is; else an import map puts packages of npm in their
 * place. One line on stderr says which. JSR is asked only while neither is in
 * Deno's cache, so that a network that swallows everything is waited for once.
 * `HITHER_STD=jsr` or `HITHER_STD=npm` decides beforehand, and is set for the
 * command, so that what it starts need not look again.
 *
 * This file imports nothing, so that it can always start.
 *
 * @module
 */

/** Where the `@std` packages come from. */
export type StdSource = "jsr" | "npm";

/** How long JSR may take to answer, in ms. */
const PATIENCE = 2_000;

/** One small module of the packages that `deno.json` names, and what stands in for it. */
const PROBE: Record<StdSource, string> = {
  jsr: "jsr:@std/path@^1/join",
  npm: "npm:deno-std@1.3.4/path/join.js",
};

/** The commands that look at imports. */
const RESOLVING = new Set(["bench", "check", "doc", "info", "run", "test"]);

const IMPORT_MAP = new URL("npm_import_map.json", import.meta.url);

/**
 * Decides where the `@std` packages come from, and says so on stderr.
 *
 * @throws {RangeError} if `HITHER_STD` is neither `jsr` nor `npm`.
 */
export async function chooseStd(): Promise<StdSource> {
  const chosen = Deno.env.get("HITHER_STD");
  if (chosen !== undefined) {
    if (chosen !== "jsr" && chosen !== "npm") {
      throw new RangeError(
        `Cannot choose a source of @std as HITHER_STD must be jsr or npm: current value is ${chosen}`,
      );
    }
    return say(chosen, "HITHER_STD");
  }
  if (await isAtHand("jsr")) return say("jsr", "in the cache");
  if (await isAtHand("npm")) return say("npm", "JSR is not in the cache");
  if (await jsrAnswers()) return say("jsr", "it answers");
  return say("npm", "JSR does not answer");
}

const NAMES: Record<StdSource, string> = { jsr: "JSR", npm: "npm" };

function say(source: StdSource, why: string): StdSource {
  console.error(`std: from ${NAMES[source]} (${why})`);
  return source;
}

/** Whether Deno has it: with `--cached-only` no network is asked. */
function isAtHand(source: StdSource): Promise<boolean> {
  return import(PROBE[source]).then(() => true, () => false);
}

/** Whether Deno can get it from JSR, and soon. */
async function jsrAnswers(): Promise<boolean> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["cache", "-q", "--no-lock", PROBE.jsr],
    stderr: "null",
    signal: AbortSignal.timeout(PATIENCE),
  }).spawn();
  return (await child.status).success;
}

/** The arguments of a deno command, with what that source of `@std` needs. */
export function withStd(source: StdSource, args: readonly string[]): string[] {
  const [subcommand = "", ...rest] = args;
  if (source === "jsr" || !RESOLVING.has(subcommand)) return [...args];
  return [
    subcommand,
    "--no-lock",
    "--import-map",
    toPath(IMPORT_MAP),
    ...rest,
  ];
}

/**
 * Runs a deno command to its end and returns its exit code.
 *
 * @param watch Is given what the command writes to stdout, which appears all the same.
 */
export async function runDeno(
  source: StdSource,
  args: readonly string[],
  watch?: (text: string) => void,
): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: withStd(source, args),
    env: { HITHER_STD: source },
    stdin: "inherit",
    stdout: watch === undefined ? "inherit" : "piped",
    stderr: "inherit",
  }).spawn();
  using _signals = passSignals(child);
  if (watch !== undefined) {
    const decoder = new TextDecoder();
    for await (const bytes of child.stdout) {
      await writeAll(bytes);
      watch(decoder.decode(bytes, { stream: true }));
    }
  }
  const { code } = await child.status;
  return code;
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) {
    sent += await Deno.stdout.write(bytes.subarray(sent));
  }
}

/** Lets the child decide what a signal means. */
function passSignals(child: Deno.ChildProcess): Disposable {
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];
  const listeners = signals.map((signal) => {
    const pass = () => {
      try {
        child.kill(signal);
      } catch {
        // It has ended by itself.
      }
    };
    Deno.addSignalListener(signal, pass);
    return () => Deno.removeSignalListener(signal, pass);
  });
  return {
    [Symbol.dispose](): void {
      for (const remove of listeners) remove();
    },
  };
}

function toPath(url: URL): string {
  const path = decodeURIComponent(url.pathname);
  return Deno.build.os === "windows" ? path.slice(1) : path;
}

// The end is said outright: a probe that hangs must not hold it up.
if (import.meta.main) Deno.exit(await runDeno(await chooseStd(), Deno.args));
