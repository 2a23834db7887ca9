/** Where the peers are, and how their scripts are run. */

import { exists } from "@std/fs";
import { fromFileUrl, join } from "@std/path";

const HERE = fromFileUrl(new URL(".", import.meta.url));
const NODE = Deno.env.get("NODE") ?? "node";
const PYTHON = Deno.env.get("PYTHON") ?? "/usr/bin/python3";

/** The folder into which the peers are installed. */
const FOLDER = Deno.env.get("HITHER_PEERS") ??
  join(Deno.env.get("TMPDIR") ?? "/tmp", "hither_peers");

/** What runs a peer's scripts. */
export type Runtime = "node" | "deno" | "python";

/** A package that the project is measured beside. */
export interface Peer {
  readonly runtime: Runtime;
  /** As its package manager calls it, or the module in Python. */
  readonly package: string;
}

/** Installs what is not installed yet; what cannot be had is told on stderr. */
export async function install(): Promise<void> {
  const wanted = await Deno.readTextFile(join(HERE, "setup.sh")) +
    await Deno.readTextFile(join(HERE, "peers.json"));
  const ready = join(FOLDER, "ready");
  if (await exists(ready) && await Deno.readTextFile(ready) === wanted) return;
  console.error(`installing the peers into ${FOLDER} …`);
  const { success } = await new Deno.Command("sh", {
    args: [join(HERE, "setup.sh"), FOLDER],
    stdout: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${FOLDER} cannot be written`);
}

const reasons = new Map<string, string | undefined>();

/** Why a peer cannot be measured, if it cannot. */
export function whyMissing(peer: Peer): string | undefined {
  const name = `${peer.runtime} ${peer.package}`;
  if (!reasons.has(name)) reasons.set(name, lookFor(peer));
  return reasons.get(name);
}

function lookFor(peer: Peer): string | undefined {
  const [command, ...args] = peer.runtime === "python"
    ? [PYTHON, "-c", `import numpy, ${peer.package}`]
    : [commandOf(peer.runtime), "--version"];
  try {
    const { success, stderr } = new Deno.Command(command!, {
      args,
      env: environment(),
      stdout: "null",
    }).outputSync();
    if (!success) {
      const said = new TextDecoder().decode(stderr).trimEnd();
      return `${command} says: ${said.slice(said.lastIndexOf("\n") + 1)}`;
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `there is no ${command}`;
    throw error;
  }
  if (peer.runtime === "python") return undefined;
  const path = join(FOLDER, "node_modules", peer.package, "package.json");
  try {
    Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `there is no ${path}`;
    throw error;
  }
  return undefined;
}

/** The command line of a script in this folder, such as `pool/piscina.mjs`. */
export function commandLine(
  runtime: Runtime,
  script: string,
  args: readonly unknown[],
): string[] {
  const flags = runtime === "deno" ? ["run", "-A", "-q", "--no-config"] : [];
  return [
    commandOf(runtime),
    ...flags,
    join(HERE, script),
    ...args.map(String),
  ];
}

/** Runs a command to its end; what it writes to stdout. */
export function run([command, ...args]: readonly string[]): string {
  const { success, stdout, stderr } = new Deno.Command(command!, {
    args,
    env: environment(),
  }).outputSync();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(
    `${command} ${args.join(" ")} failed: ${decoder.decode(stderr)}`,
  );
}

function commandOf(runtime: Runtime): string {
  return { node: NODE, deno: Deno.execPath(), python: PYTHON }[runtime];
}

/** Where the interpreters find what `setup.sh` unpacked. */
function environment(): Record<string, string> {
  const usr = join(FOLDER, "debian/usr");
  const libraries = namesIn(join(usr, "lib"))
    .filter((name) => name.endsWith("-linux-gnu"))
    .flatMap((name) =>
      ["", "blas", "lapack"].map((sub) => join(usr, "lib", name, sub))
    );
  return {
    HITHER_PEERS: FOLDER,
    PYTHONPATH: pathWith("PYTHONPATH", [
      join(usr, "lib/python3/dist-packages"),
    ]),
    LD_LIBRARY_PATH: pathWith("LD_LIBRARY_PATH", libraries),
    PYTHONDONTWRITEBYTECODE: "1",
  };
}

function pathWith(name: string, folders: readonly string[]): string {
  const given = Deno.env.get(name);
  return [...folders, ...(given ? [given] : [])].join(":");
}

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
