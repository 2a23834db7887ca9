import { drive, installed } from "./driver.mjs";

const memoizeFs = await installed("memoize-fs");

await drive((folder, name, fn) =>
  memoizeFs({ cachePath: folder }).fn(fn, { cacheId: name, noBody: true })
);
