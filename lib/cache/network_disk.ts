/**
 * Whether a folder is on the disk of another machine.
 *
 * @module
 */

import { dirname } from "../value/paths.ts";

/** Types of file systems that come over a network, as Linux names them; behind `fuse.` too. */
const NETWORK =
  /^(fuse\.)?(nfs4?|cifs|smb[23]?|smbfs|ncpfs|9p|afs|coda|lustre|gpfs|beegfs\w*|ceph(-fuse)?|glusterfs|orangefs|pvfs2|panfs|wekafs|sshfs|mfs\w*|moosefs|lizardfs|juicefs|davfs2?|rclone|s3fs|gcsfuse|goofys|mountpoint-s3|blobfuse2?|hdfs|fuse_dfs)$/i;

/**
 * The type of the network file system that a folder is on or would be on;
 * `undefined` where it is on none, or there is no telling.
 */
export function networkFileSystem(path: string): string | undefined {
  if (Deno.build.os === "windows") {
    return path.startsWith("\\\\") ? "a network share" : undefined;
  }
  const mounts = mountInfo();
  if (mounts === undefined) return undefined;
  const type = fileSystemOf(realPath(path), mounts);
  return type !== undefined && NETWORK.test(type) ? type : undefined;
}

/** The type of the file system that a path is on, by the text of `/proc/self/mountinfo`. */
export function fileSystemOf(path: string, mounts: string): string | undefined {
  let longest = -1;
  let type: string | undefined;
  for (const line of mounts.split("\n")) {
    const [before = "", after = ""] = line.split(" - ", 2);
    const mountPoint = unescaped(before.split(" ")[4] ?? "");
    // Of two on one mount point the later hides the earlier.
    if (isWithin(path, mountPoint) && mountPoint.length >= longest) {
      longest = mountPoint.length;
      type = after.split(" ")[0];
    }
  }
  return type;
}

function isWithin(path: string, folder: string): boolean {
  return folder === "/" || path === folder ||
    folder !== "" && path.startsWith(folder + "/");
}

/** Blanks and backslashes are written in octal there. */
function unescaped(text: string): string {
  return text.replace(
    /\\([0-7]{3})/g,
    (_, digits) => String.fromCharCode(parseInt(digits, 8)),
  );
}

function mountInfo(): string | undefined {
  if (Deno.build.os !== "linux") return undefined;
  // Asked, so that nothing is prompted for.
  if (Deno.permissions.querySync({ name: "read" }).state !== "granted") {
    return undefined;
  }
  try {
    return Deno.readTextFileSync("/proc/self/mountinfo");
  } catch {
    return undefined;
  }
}

/** A path without symbolic links, as far as it exists. */
function realPath(path: string): string {
  for (let folder = path;;) {
    try {
      return Deno.realPathSync(folder) + path.slice(folder.length);
    } catch {
      const parent = dirname(folder);
      if (parent === folder) return path;
      folder = parent;
    }
  }
}
