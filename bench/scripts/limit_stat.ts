/** Looks at COUNT files of FOLDER by their times; prints the ms. */

const [count, folder] = Deno.args;
const start = performance.now();
for (let i = 0; i < Number(count); i++) Deno.statSync(`${folder}/m${i}.ts`);
console.log(performance.now() - start);
