// Speed of the generated dense kernels: `npm run build && node bench/c-kernels.mjs`. Prints GMAC/s of one 784 x 64
// layer with 4-bit activations for each width of weights and each set of compiler flags. CC chooses the compiler.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateC } from "../dist/c/generate.js";
import { createProgramBuilder, intFormat } from "../dist/program/builder.js";
import { createRandom } from "../dist/support/random.js";

const INPUTS = Number(process.argv[2] ?? 784);
const UNITS = Number(process.argv[3] ?? 64);
const CC = process.env.CC ?? "cc";

function layerOf(width) {
  const random = createRandom(1, "bench", width);
  const builder = createProgramBuilder(`w${width}`);
  const input = builder.input({ name: "x", shape: [INPUTS], format: intFormat(false, 4, 0) });
  const data = Array.from({ length: INPUTS * UNITS }, () =>
    random.integer(-(2 ** (width - 1)), 2 ** (width - 1) - 1),
  );
  const weights = { units: UNITS, data, format: intFormat(true, width, 0) };
  builder.output("y", builder.dense({ layer: "fc", name: "y", input, weights }), "value");
  return generateC(builder.build(), { version: "bench" });
}

/** Best of a few repetitions, seconds for one call. */
const MAIN = ({ header, runFunction, stateType, outputs }) => `
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <time.h>
#include "${header}"
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec; }
${stateType} state;
uint8_t x[${INPUTS}];
${outputs[0].cType} y[${UNITS}];
int main(void) {
  double best = 1e9;
  for (int i = 0; i < ${INPUTS}; i++) x[i] = (uint8_t)(i % 16);
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
  const widths = [1, 2, 3, 4, 5, 6, 7, 8, 12];
  console.log(`GMAC/s, ${INPUTS} x ${UNITS}, ${CC}`);
  console.log(`${"weights".padEnd(24)}${widths.map((w) => `${w} bit`.padStart(8)).join("")}`);
  for (const flags of [["-Os"], ["-O2"], ["-O3"], ["-O3", "-march=native"]]) {
    const speeds = widths.map((width) => {
      const { files, manifest } = layerOf(width);
      mkdirSync(join(folder, "c"), { recursive: true });
      for (const [path, content] of files) writeFileSync(join(folder, path), content);
      writeFileSync(join(folder, "c/main.c"), MAIN(manifest));
      const sources = ["c/main.c", `c/${manifest.prefix}.c`];
      execFileSync(CC, ["-std=c99", ...flags, ...sources, "-o", "bench"], { cwd: folder });
      const seconds = Number(execFileSync(join(folder, "bench"), { encoding: "utf8" }));
      return (INPUTS * UNITS * 1e-9) / seconds;
    });
    console.log(`${flags.join(" ").padEnd(24)}${speeds.map((s) => s.toFixed(2).padStart(8)).join("")}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
