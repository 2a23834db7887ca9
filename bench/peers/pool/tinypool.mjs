// The main thread and, loaded again, its own worker.
import { installed } from "./driver.mjs";
import { drivePiscinaLike } from "./piscina_like.mjs";
import { doubled as double } from "./tasks.mjs";

const { Tinypool } = await installed("tinypool");

export { burn, nap, square, touched } from "./tasks.mjs";
export const doubled = (array) => Tinypool.move(double(array));

await drivePiscinaLike(Tinypool, import.meta.url);
