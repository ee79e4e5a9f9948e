// Speed of the generated dense kernels: `npm run build && node bench/c-kernels.mjs`. Prints GMAC/s of one 784 x 64
// layer for each pair of weights and activations (b: bipolar, u4: unsigned of 4 bits, s4: signed) and each set of
// compiler flags. CC chooses the compiler.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateC } from "../dist/c/generate.js";
import { createProgramBuilder, intFormat } from "../dist/program/builder.js";
import { mantissaRange } from "../dist/program/program.js";
import { createRandom } from "../dist/support/random.js";

const INPUTS = Number(process.argv[2] ?? 784);
const UNITS = Number(process.argv[3] ?? 64);
const CC = process.env.CC ?? "cc";

const PAIRS = [
  ...["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s12"].map((weights) => [weights, "u4"]),
  ...["b", "u1", "u2", "u4", "u8", "s8", "u16"].map((activations) => ["b", activations]),
  ["s4", "b"],
  ["s8", "b"],
];

function formatOf(text) {
  return text === "b"
    ? { kind: "bipolar", fraction: 0 }
    : intFormat(text[0] === "s", Number(text.slice(1)), 0);
}

function layerOf([weights, activations]) {
  const random = createRandom(1, "bench", weights);
  const builder = createProgramBuilder(`w${weights}x${activations}`);
  const input = builder.input({ name: "x", shape: [INPUTS], format: formatOf(activations) });
  const format = formatOf(weights);
  const { min, max } = mantissaRange(format);
  const data = Array.from({ length: INPUTS * UNITS }, () => random.integer(min, max));
  const layer = { units: UNITS, data, format };
  builder.output("y", builder.dense({ layer: "fc", name: "y", input, weights: layer }), "value");
  return generateC(builder.build(), { version: "bench" });
}

/** Best of a few repetitions, seconds for one call. */
const MAIN = ({ header, runFunction, stateType, inputs, outputs }, largest) => `
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <time.h>
#include "${header}"
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec; }
${stateType} state;
${inputs[0].cType} x[${INPUTS}];
${outputs[0].cType} y[${UNITS}];
int main(void) {
  double best = 1e9;
  for (int i = 0; i < ${INPUTS}; i++) x[i] = (${inputs[0].cType})(i * 7 / 3 % ${largest + 1});
  for (int r = 0; r < 12; r++) {
    const double start = now();
    for (int k = 0; k < 50; k++) ${runFunction}(&state, x, y);
    const double seconds = (now() - start) / 50;
    if (seconds < best) best = seconds;
  }
  printf("%g", best);
  return 0;
}
`;

const folder = mkdtempSync(join(tmpdir(), "noisefloor-bench-"));
try {
  console.log(`GMAC/s, ${INPUTS} x ${UNITS}, ${CC}`);
  console.log(`${"weights x activations".padEnd(24)}${PAIRS.map((p) => p.join("x").padStart(7)).join("")}`);
  for (const flags of [["-Os"], ["-O2"], ["-O3"], ["-O3", "-march=native"]]) {
    const speeds = PAIRS.map((pair) => {
      const { files, manifest } = layerOf(pair);
      mkdirSync(join(folder, "c"), { recursive: true });
      for (const [path, content] of files) writeFileSync(join(folder, path), content);
      writeFileSync(join(folder, "c/main.c"), MAIN(manifest, mantissaRange(formatOf(pair[1])).max));
      const sources = ["c/main.c", `c/${manifest.prefix}.c`];
      execFileSync(CC, ["-std=c99", ...flags, ...sources, "-o", "bench"], { cwd: folder });
      const seconds = Number(execFileSync(join(folder, "bench"), { encoding: "utf8" }));
      return (INPUTS * UNITS * 1e-9) / seconds;
    });
    console.log(`${flags.join(" ").padEnd(24)}${speeds.map((s) => s.toFixed(2).padStart(7)).join("")}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
