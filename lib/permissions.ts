/**
 * What jobs may do: how it is declared, checked and compared.
 *
 * @module
 */

import { UndeclaredAccessError } from "./errors.ts";
import type {
  PermissionGrant,
  PermissionName,
  TaskPermissions,
} from "./task.ts";
import { absolutePath, givenPath } from "./value/given_path.ts";

/**
 * What a job may do, with the names and the values of Deno's own permissions: `true` for all of a
 * kind, a list for a part of it, `"inherit"` for what the program may, `false` for
 * nothing, as if it were left out. Relative paths are meant from the working folder;
 * `new URL("./data.csv", import.meta.url)` is beside a module.
 *
 * The files and folders listed in `read` are known by their content, which enters the key of the job:
 * when one has changed, the job runs again. Those that are listed in `write` too are not.
 *
 * @example
 * ```ts
 * import * as hi from "@hither/hither";
 *
 * const permissions: hi.PermissionOptions = { read: ["./data.csv"], env: ["HOME"] };
 * const load = hi.func("permission_options_load", "1", () => Deno.readTextFileSync("./data.csv"), {
 *   permissions,
 * });
 * // Jobs of a function that depends on its arguments alone.
 * const sum = hi.func("permission_options_sum", "1", (a: number, b: number) => a + b, {
 *   permissions: "none",
 * });
 * console.assert(load.version === sum.version);
 * ```
 */
export interface PermissionOptions {
  /** Files and folders that it may read, with all that is below. */
  readonly read?: boolean | "inherit" | readonly (string | URL)[] | undefined;
  /** Files and folders that it may write, with all that is below. */
  readonly write?: boolean | "inherit" | readonly (string | URL)[] | undefined;
  /** Hosts that it may reach, as `api.example.org:443`, or without the port. */
  readonly net?: boolean | "inherit" | readonly string[] | undefined;
  /** Variables of the environment that it may look at and set. */
  readonly env?: boolean | "inherit" | readonly string[] | undefined;
  /** Programs that it may start. What they do nobody watches. */
  readonly run?: boolean | "inherit" | readonly (string | URL)[] | undefined;
  /** Libraries that it may load. What they do nobody watches. */
  readonly ffi?: boolean | "inherit" | readonly (string | URL)[] | undefined;
  /** What it may ask of the system, as `hostname`. */
  readonly sys?: boolean | "inherit" | readonly string[] | undefined;
  /** Hosts from which it may import what its module does not name in full. */
  readonly import?: boolean | "inherit" | readonly string[] | undefined;
}

/** Permissions as the program keeps them: what was declared, with URLs as paths. */
export type DeclaredPermissions = {
  readonly [Name in PermissionName]?: PermissionGrant;
};

/** The kinds, in the order in which they are asked for. */
export const PERMISSION_NAMES: readonly PermissionName[] = [
  "read",
  "write",
  "net",
  "env",
  "run",
  "ffi",
  "sys",
  "import",
];

/** Of each kind, what one of its items is called where Deno is asked for it. */
export const ITEM_NAMES: Readonly<Record<PermissionName, string>> = {
  read: "path",
  write: "path",
  net: "host",
  env: "variable",
  run: "command",
  ffi: "path",
  sys: "kind",
  import: "host",
};

/** Whether the program has a permission, or that for an item of it. Asks nobody. */
export function programMay(name: PermissionName, item?: string): boolean {
  const descriptor = {
    name,
    // Deno is asked for one host, and not for all below it.
    ...item !== undefined &&
      { [ITEM_NAMES[name]]: item.replace(/^\*\./, "hither.") },
  };
  return Deno.permissions.querySync(descriptor as Deno.PermissionDescriptor)
    .state === "granted";
}

/** What is wrong with permissions that were given: `permissions.read[0] must be ...: current value is 3`. */
export function permissionsRefusal(given: object): string | undefined {
  for (const [name, grant] of Object.entries(given)) {
    if (!PERMISSION_NAMES.includes(name as PermissionName)) {
      return `permissions must have names among ${
        PERMISSION_NAMES.join(", ")
      }: current value has ${name}`;
    }
    const refusal = grantRefusal(name as PermissionName, grant);
    if (refusal !== undefined) return `permissions.${name}${refusal}`;
  }
  return undefined;
}

function grantRefusal(name: PermissionName, grant: unknown) {
  if (grant === undefined || grant === "inherit") return undefined;
  if (typeof grant === "boolean") return undefined;
  if (!Array.isArray(grant)) {
    return ` must be true, false, "inherit" or a list: current value is ${
      Deno.inspect(grant)
    }`;
  }
  for (const [i, item] of grant.entries()) {
    try {
      itemText(name, item);
    } catch (error) {
      return `[${i}] must be ${A_NAME[name]}: current value is ${
        Deno.inspect(item)
      } (${(error as Error).message})`;
    }
  }
  return undefined;
}

const A_NAME: Readonly<Record<PermissionName, string>> = {
  read: "a path or a file: URL",
  write: "a path or a file: URL",
  net: 'a host, "api.example.org:443" for instance',
  env: "the name of a variable of the environment",
  run: "the name or the path of a program",
  ffi: "a path or a file: URL",
  sys: 'a kind that Deno knows, "hostname" for instance',
  import: 'a host, "jsr.io:443" for instance',
};

function itemText(name: PermissionName, item: unknown): string {
  if (name === "read" || name === "write" || name === "ffi") {
    return givenPath(item, "Cannot permit it", "list its host in net");
  }
  if (name === "run" && item instanceof URL) {
    return givenPath(item, "Cannot permit it", "give the path of a program");
  }
  if (typeof item !== "string") throw new TypeError("it is no text");
  if (!(FORMS[name]?.test(item) ?? item !== "")) {
    throw new TypeError("Deno takes no such thing");
  }
  return item;
}

/** What Deno takes: where it takes something else it ends, worker and all. */
const FORMS: { readonly [Name in PermissionName]?: RegExp } = {
  net: /^((\*\.)?[\w.-]+|\[[\da-f:.]+\])(:\d+)?$|^[\da-f:.]+\/\d+$/i,
  import: /^((\*\.)?[\w.-]+|\[[\da-f:.]+\])(:\d+)?$/i,
  env: /^[^=\0]+$/,
  sys:
    /^(hostname|osRelease|osUptime|loadavg|networkInterfaces|systemMemoryInfo|uid|gid|username|cpus|homedir|getegid|statfs|getPriority|setPriority|userInfo)$/,
};

const known = new WeakMap<object, DeclaredPermissions>();
const NONE: DeclaredPermissions = Object.freeze({});

/** Permissions that have been checked, as the program keeps them; the same for the same. */
export function declaredPermissions(
  given: "none" | PermissionOptions,
): DeclaredPermissions {
  if (given === "none") return NONE;
  let declared = known.get(given);
  if (declared === undefined) {
    const entries = PERMISSION_NAMES.flatMap((name) => {
      const grant = given[name];
      if (grant === undefined || grant === false) return [];
      return [[
        name,
        Array.isArray(grant)
          ? grant.map((item: unknown) => itemText(name, item))
          : grant,
      ]];
    });
    declared = Object.freeze(Object.fromEntries(entries));
    known.set(given, declared!);
    known.set(declared!, declared!);
  }
  return declared!;
}

/** What a Task may do: nothing that was not declared, and with absolute paths. */
export function taskPermissions(
  declared: DeclaredPermissions,
): TaskPermissions {
  return Object.fromEntries(PERMISSION_NAMES.map((name) => {
    const grant = declared[name] ?? false;
    if (!Array.isArray(grant)) return [name, grant];
    if (grant.length === 0) return [name, false];
    const isPath = name === "read" || name === "write" || name === "ffi";
    return [name, isPath ? grant.map(absolutePath) : grant];
  })) as TaskPermissions;
}

// Written out, as every program that starts makes them.
const NOTHING: TaskPermissions = {
  read: false,
  write: false,
  net: false,
  env: false,
  run: false,
  ffi: false,
  sys: false,
  import: false,
};

const INHERIT_ALL: TaskPermissions = {
  read: "inherit",
  write: "inherit",
  net: "inherit",
  env: "inherit",
  run: "inherit",
  ffi: "inherit",
  sys: "inherit",
  import: "inherit",
};

/** The first that `inner` may do and `outer` may not, as `{ net: ["x.org"] }`; `undefined` if there is none. */
export function excessOf(
  inner: TaskPermissions,
  outer: TaskPermissions,
): Readonly<Record<string, true | readonly string[]>> | undefined {
  for (const name of PERMISSION_NAMES) {
    const wanted = inner[name];
    const had = outer[name];
    if (wanted === false || had === true || wanted === had) continue;
    if (wanted === true && had === "inherit" && programMay(name)) continue;
    if (typeof wanted === "boolean" || wanted === "inherit") {
      return { [name]: true };
    }
    const missing = wanted.filter((item) =>
      had === "inherit"
        ? !programMay(name, item)
        : had === false || !had.some((other) => holds(name, other, item))
    );
    if (missing.length > 0) return { [name]: missing };
  }
  return undefined;
}

/** Why a job cannot submit another one that may do more than itself; `undefined` if it does not. */
export function nestedRefusal(
  outer: string,
  had: TaskPermissions,
  inner: string,
  declared: DeclaredPermissions | null,
  cachePath: string | undefined,
): UndeclaredAccessError | undefined {
  const wanted = declared === null ? INHERIT_ALL : taskPermissions(declared);
  const excess = excessOf(wanted, had) ??
    (cachePath === undefined
      ? undefined
      : excessOf({ ...NOTHING, write: [absolutePath(cachePath)] }, had));
  if (excess === undefined) return undefined;
  return new UndeclaredAccessError(
    `Cannot run ${inner} for ${outer} as a job may do no more than the one that submits it: declare ${
      asDeclaration(excess)
    } for ${outer}, or less for ${inner}`,
    excess,
  );
}

/** Whether whoever may `outer` may `inner`. */
function holds(name: PermissionName, outer: string, inner: string): boolean {
  if (outer === inner) return true;
  switch (name) {
    case "read":
    case "write":
    case "ffi":
      return isWithin(inner, outer);
    case "net":
    case "import":
      return inner.startsWith(`${outer}:`);
    case "env":
      return outer.endsWith("*") && inner.startsWith(outer.slice(0, -1));
    default:
      return false;
  }
}

/** Whether an absolute path is another one, or below it. */
export function isWithin(path: string, folder: string): boolean {
  const inner = plainPath(path);
  const outer = plainPath(folder);
  return inner === outer ||
    inner.startsWith(outer.endsWith("/") ? outer : `${outer}/`);
}

/** A path without `.`, `..` and doubled slashes. By hand: see `given_path.ts`. */
export function plainPath(path: string): string {
  const steps: string[] = [];
  for (const step of path.replaceAll("\\", "/").split("/")) {
    if (step === "" || step === ".") continue;
    if (step === "..") steps.pop();
    else steps.push(step);
  }
  const plain = steps.join("/");
  return /^[A-Za-z]:$/.test(steps[0] ?? "") ? plain : `/${plain}`;
}

/** What is to be declared, as one would write it. */
export function asDeclaration(
  declare: Readonly<Record<string, true | readonly string[]>>,
): string {
  const parts = Object.entries(declare).map(([name, items]) =>
    `${name}: ${
      items === true
        ? "true"
        : `[${items.map((item) => JSON.stringify(item)).join(", ")}]`
    }`
  );
  return `permissions: { ${parts.join(", ")} }`;
}
