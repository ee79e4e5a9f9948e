// What a MAC array of 64 x 64 weights on 8 PE x 8 SIMD takes after synthesis, by the width of its operands: with a multiplier for
// every product, and with products that share one. Weights are random, in look-up tables. Needs a build (`npm run build`) and
// @yowasp/yosys. Use: node bench/mac-array.mjs [--target xc7] [--widths 2,3,4,5,6,7,8]
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runYosys } from "@yowasp/yosys";
import { readArea } from "../dist/flow/area.js";
import { mostShared } from "../dist/schedule/sharing.js";
import { createRandom } from "../dist/support/random.js";
import { TARGETS } from "../dist/targets/targets.js";

const { values } = parseArgs({
  options: {
    target: { type: "string", default: "xc7" },
    widths: { type: "string", default: "2,3,4,5,6,7,8" },
  },
});
const target = TARGETS.find(({ name }) => name === values.target);
if (!target?.dsp) throw new Error(`no target with multipliers: ${values.target}`);
const [multiplier] = target.dsp.products.map(({ operands }) => operands);

const [INPUTS, OUTPUTS, PE, SIMD] = [64, 64, 8, 8];
const library = ["nf_dense", "nf_dot", "nf_dots"].map((name) => [
  `${name}.v`,
  readFileSync(fileURLToPath(new URL(`../templates/verilog/lib/${name}.v`, import.meta.url)), "utf8"),
]);

/** Random words of the weight memory. */
function weightText(width) {
  const random = createRandom(width, "mac array");
  const digits = (PE * SIMD * width) / 4;
  return Array.from({ length: (INPUTS * OUTPUTS) / (PE * SIMD) }, () =>
    Array.from({ length: digits }, () => random.integer(0, 15).toString(16)).join(""),
  ).join("\n");
}

/** Area of the layer with inputs of `width` bits without sign and weights of `width` bits with one. */
async function areaOf(width, sharing) {
  const parameters = {
    INPUTS,
    OUTPUTS,
    PE,
    SIMD,
    ...(sharing && { SHARED_PE: sharing.pe, SHARED_WINDOWS: sharing.windows, SPACING: sharing.spacing }),
    X_WIDTH: width,
    W_WIDTH: width,
    ACC_WIDTH: 2 * width + Math.log2(INPUTS),
    WEIGHT_FILE: '"weights.mem"',
    ROM_STYLE: '"logic"',
  };
  const settings = Object.entries(parameters).map(([name, value]) => `-set ${name} ${value}`);
  const script = [
    "read_verilog -defer nf_dense.v nf_dot.v nf_dots.v",
    `chparam ${settings.join(" ")} nf_dense`,
    `${target.flow.synth} ${target.flow.bare.join(" ")} -top nf_dense`,
    "tee -q -o stat.json stat -json",
  ].join("\n");
  const files = { ...Object.fromEntries(library), "weights.mem": weightText(width), "run.ys": script };
  const made = await runYosys(["-q", "-s", "run.ys"], files, {
    stdout: null,
    stderr: (b) => b && process.stderr.write(b),
  });
  return readArea(made["stat.json"], target).used;
}

const rows = [];
for (const width of values.widths.split(",").map(Number)) {
  const sharing = mostShared({ inputWidth: width, weightWidth: width, pe: PE, windows: 1 }, multiplier);
  const alone = await areaOf(width, null);
  const shared = sharing && (await areaOf(width, sharing));
  rows.push({
    bits: `${width} x ${width}`,
    DSP: alone.dsp,
    LUT: alone.lut,
    FF: alone.ff,
    "products in a multiplier": sharing ? sharing.pe : 1,
    "DSP, shared": shared?.dsp,
    "LUT, shared": shared?.lut,
    "FF, shared": shared?.ff,
  });
  console.error(JSON.stringify(rows.at(-1)));
}
console.table(rows);
