// The main thread and, loaded again, its own worker.
import { installed } from "./driver.mjs";
import { drivePiscinaLike } from "./piscina_like.mjs";
import { doubled as double } from "./tasks.mjs";

const { Piscina } = await installed("piscina");

export { burn, nap, square, touched } from "./tasks.mjs";
export const doubled = (array) => Piscina.move(double(array));

await drivePiscinaLike(Piscina, import.meta.url);
