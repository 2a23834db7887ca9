/**
 * Objects that another copy of this library made: a program that imports two versions,
 * or one version by two specifiers, has each class twice.
 *
 * @module
 */

import { UnsupportedValueError } from "../errors.ts";
import { FileReference } from "./file_reference.ts";
import { FolderReference } from "./folder_reference.ts";
import { className, hasMethod } from "./refusal.ts";

/**
 * The error for an object of no known kind if another copy seems to have made it.
 *
 * @param jobs Whether our own jobs are known to the caller.
 */
export function refusalOfOtherCopy(
  object: object,
  path: string,
  jobs: boolean,
): UnsupportedValueError | undefined {
  const name = className(object);
  if (!(name === "Job" && jobs && isJob(object)) && !isFile(object, name)) {
    return undefined;
  }
  return new UnsupportedValueError(
    `${path} is a ${name} of another copy of hither, as two copies are loaded: import hither by the same specifier and version everywhere`,
    path,
  );
}

function isJob(object: object): boolean {
  return hasMethod(object, "then") && hasMethod(object, "getResult");
}

function isFile(object: object, name: string): boolean {
  if (!Object.hasOwn(object, "digest")) return false;
  switch (name) {
    case "FileReference":
      return !(object instanceof FileReference) && hasMethod(object, "bytes");
    case "FolderReference":
      return !(object instanceof FolderReference) && hasMethod(object, "files");
    default:
      return false;
  }
}
