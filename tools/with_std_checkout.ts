/**
 * Runs the tasks as they run where JSR answers, with a checkout of denoland/std
 * in the place of JSR:
 *
 *     deno run -A --no-config tools/with_std_checkout.ts STD [TASK [ARGUMENT...]]
 *
 * The project is copied to a temporary folder, where `deno.json` gets `links` to
 * the checkout: every specifier stays as it is and the packages come with their
 * types. Without a task: `check` (with `deno publish --dry-run`) and `test`.
 *
 * @module
 */

const PACKAGES = ["assert", "async", "crypto", "fmt", "fs", "path"];

const [std, ...task] = Deno.args;
if (std === undefined) {
  console.error(
    "Cannot link @std as the first argument must be a checkout of denoland/std: current value is undefined",
  );
  Deno.exit(2);
}

const root = new URL("../", import.meta.url);
const copy = await Deno.makeTempDir({ prefix: "hither_std_" });
let failed = false;
try {
  await copyProject(copy);
  await link(`${copy}/deno.json`, await Deno.realPath(std));
  for (const command of task.length > 0 ? [task] : [["check"], ["test"]]) {
    const { HITHER_STD: _, ...env } = Deno.env.toObject();
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["task", ...command],
      cwd: copy,
      clearEnv: true,
      env,
    }).spawn().status;
    failed ||= !success;
  }
} finally {
  await Deno.remove(copy, { recursive: true });
}
Deno.exit(failed ? 1 : 0);

/** Copies what git knows or would add. */
async function copyProject(target: string): Promise<void> {
  const { stdout } = await new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd: root,
    stderr: "inherit",
  }).output();
  for (const name of new TextDecoder().decode(stdout).split("\0")) {
    if (name === "") continue;
    const file = `${target}/${name}`;
    await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    try {
      await Deno.copyFile(new URL(name, root), file);
    } catch (error) {
      // Deleted and not yet told to git.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

async function link(configFile: string, std: string): Promise<void> {
  const config = JSON.parse(await Deno.readTextFile(configFile));
  config.links = PACKAGES.map((name) => `${std}/${name}`);
  await Deno.writeTextFile(configFile, JSON.stringify(config, null, 2) + "\n");
}
