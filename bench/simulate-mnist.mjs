// Seconds that the simulator takes for the 10,000 test images of a built MNIST design, and that compiling takes.
// Needs `make demo` first. Use: node bench/simulate-mnist.mjs [build directory]
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { decodeNpy } from "../dist/data/npy.js";
import { readProgram } from "../dist/program/read.js";
import { simulate } from "../dist/sim/simulate.js";

const folder = process.argv[2] ?? "build/mnist";
if (!existsSync(join(folder, "design/program.json"))) {
  console.log(`${folder} holds no design: run make demo first`);
  process.exit(0);
}
const program = readProgram(readFileSync(join(folder, "design/program.json"), "utf8"));
const path = join(folder, "design/vectors/inputs.npy");
const inputs = decodeNpy(readFileSync(path), { path });
const count = inputs.shape[0];
for (let run = 0; run < 3; run++) {
  const start = performance.now();
  simulate(program, new Map([[program.inputs[0], inputs.data]]), count);
  console.log(`simulate ${count} images: ${((performance.now() - start) / 1000).toFixed(2)} s`);
}
const bytes = readdirSync(join(folder, "design/rtl"))
  .filter((name) => name.endsWith(".v"))
  .reduce((sum, name) => sum + statSync(join(folder, "design/rtl", name)).size, 0);
console.log(`Verilog text: ${bytes} bytes`);
