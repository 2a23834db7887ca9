/**
 * Where a Task with permissions of its own can run: in a process, which needs
 * permission to start one, or in a web worker, for which Deno wants a flag.
 *
 * @module
 */

import { launchWords } from "../../code/launch_words.ts";
import { PermissionNeededError } from "../../errors.ts";
import { PERMISSION_NAMES, programMay } from "../../permissions.ts";
import type { CodeReference, Task, TaskPermissions } from "../../task.ts";
import { warnOnce } from "../../warn.ts";
import type { Needs, Sandbox } from "./connection.ts";
import { missingFlag } from "./process_launch.ts";

/** The flag without which Deno ends a program that gives permissions to a web worker. */
const WORKER_OPTIONS = "--unstable-worker-options";

/** The flag without which Deno asks the person at a terminal to permit more, and waits. */
const NO_PROMPT = "--no-prompt";

/**
 * What such a Task gets.
 *
 * @throws {PermissionNeededError} if the program may less than the Task, or can hold no worker to that.
 */
export function sandboxNeeds(
  task: Task,
  permissions: TaskPermissions,
  isolation: "auto" | "worker" | "process",
): Needs {
  const { memory, timed, denoArgs = [] } = task;
  const who = `${task.name} ${task.version}`;
  requireGrants(who, permissions);
  const sandbox = sandboxOf(permissions, task.code);
  const inThread: Needs = { isolation: "worker", denoArgs, sandbox };
  const missingForThread = missingThreadFlag(denoArgs);
  const mayThread = missingForThread === undefined;
  if (isolation === "worker") {
    if (mayThread) return inThread;
    throw new PermissionNeededError(
      `Cannot run ${who} within its permissions in a web worker: run Deno with ${missingForThread} (say so in denoArgs too where Deno does not show its command line), or set isolation to "auto" or "process"`,
      missingForThread,
    );
  }
  const wantsProcess = isolation === "process" || timed || memory !== undefined;
  if (!wantsProcess && mayThread) return inThread;
  const missing = missingFlag();
  if (missing === undefined) {
    refuseCommas(who, permissions);
    return { isolation: "process", memory, denoArgs, sandbox };
  }
  if (isolation === "auto" && memory === undefined && mayThread) {
    warnOnce(
      "timeout",
      `a timeout cannot stop a job that does not look at hi.current().throwIfAborted(), since Deno may not start processes for jobs: run it with ${missing}, or set isolation to "worker"`,
    );
    return inThread;
  }
  throw new PermissionNeededError(
    `Cannot run ${who} within its permissions in a process of its own: run Deno with ${missing}${
      isolation === "auto" && memory === undefined
        ? `, or with ${missingForThread} for a web worker`
        : ""
    }`,
    missing,
  );
}

/** Nobody can be given what the program does not have. */
function requireGrants(who: string, permissions: TaskPermissions): void {
  for (const name of PERMISSION_NAMES) {
    const grant = permissions[name];
    if (typeof grant === "boolean" || grant === "inherit") {
      if (grant === true && !programMay(name)) {
        throw missingGrant(who, `--allow-${name}`);
      }
      continue;
    }
    for (const item of grant) {
      if (!programMay(name, item)) {
        throw missingGrant(
          who,
          `--allow-${name}=${item}`,
        );
      }
    }
  }
}

/** Flags are lists, in which a comma is always the end of an item. */
function refuseCommas(who: string, permissions: TaskPermissions): void {
  for (const name of PERMISSION_NAMES) {
    const grant = permissions[name];
    const item = Array.isArray(grant) &&
      grant.find((item: string) => item.includes(","));
    if (!item) continue;
    throw new TypeError(
      `Cannot run ${who} in a process as permissions.${name} must list what holds no comma, which Deno takes for the end of an item: current value is ${item} (list the folder that it is in)`,
    );
  }
}

function missingGrant(who: string, flag: string): PermissionNeededError {
  return new PermissionNeededError(
    `Cannot run ${who} as its permissions allow what the program itself may not: run Deno with ${flag}, or declare less`,
    flag,
  );
}

function sandboxOf(permissions: TaskPermissions, code: CodeReference): Sandbox {
  const imports = code.kind === "module"
    ? [code.url]
    : [...Object.values(code.imports), ...hitherFor(code.source)];
  return {
    id: JSON.stringify([permissions, imports]),
    permissions,
    imports,
  };
}

/** A function without a module has hither at hand. */
function hitherFor(source: string): string[] {
  return /\bhi\b/.test(source)
    ? [new URL("../../../mod.ts", import.meta.url).href]
    : [];
}

/** The flag without which a web worker cannot be held to permissions. */
function missingThreadFlag(denoArgs: readonly string[]): string | undefined {
  const flags = [...launchWords(), ...denoArgs];
  if (!flags.includes(WORKER_OPTIONS)) return WORKER_OPTIONS;
  if (flags.includes(NO_PROMPT)) return undefined;
  const asks = Deno.stdin.isTerminal() && Deno.stderr.isTerminal();
  return asks ? NO_PROMPT : undefined;
}
