// Designs for the gate's tests. In: a program or sizes. Out: everything that `compile` makes of it, in memory.
import { generateC } from "../../../c/generate.ts";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { MANIFEST_SCHEMA } from "../../../program/manifest.ts";
import type { Program } from "../../../program/program.ts";
import { type ScheduleOptions, scheduleProgram } from "../../../schedule/schedule.ts";
import { mergeFileSets } from "../../../support/file-set.ts";
import { createRandom } from "../../../support/random.ts";
import type { Design } from "../../../verify/verify.ts";
import { generateVerilog } from "../../../verilog/generate.ts";

export const WISHES: ScheduleOptions = { clockMHz: 100, intervalCycles: 1000, folding: {}, outputs: "both" };

/** Verilog, C and manifest of a program. */
export function designOf(program: Program, wishes: Partial<ScheduleOptions> = {}): Design {
  const info = { version: "0.0.0" };
  const verilog = generateVerilog(program, scheduleProgram(program, { ...WISHES, ...wishes }), info);
  const c = generateC(program, info);
  return {
    program,
    manifest: {
      schema: MANIFEST_SCHEMA,
      generator: { name: "noisefloor", version: info.version },
      model: program.name,
      rtl: verilog.manifest,
      c: c.manifest,
      files: {},
    },
    files: mergeFileSets(verilog.files, c.files),
  };
}

/** A classifier: u8 inputs to few bits, dense layers with ReLU, logits and class. */
export function classifier(
  name: string,
  sizes: readonly number[],
  options: { readonly seed?: number; readonly deadNeuron?: number } = {},
): Program {
  const random = createRandom(options.seed ?? 1, "classifier", name);
  const builder = createProgramBuilder(name);
  let x = builder.input({ name: "image", shape: [sizes[0]!], format: intFormat(false, 8, 8) });
  x = builder.requantize({ layer: "fc1", name: "fc1.in", input: x, format: intFormat(false, 2, 2) });
  for (let layer = 1; layer < sizes.length; layer++) {
    const inputs = sizes[layer - 1]!;
    const units = sizes[layer]!;
    const width = layer === 1 ? 2 : 4;
    const data = Array.from({ length: units * inputs }, () =>
      random.integer(-(2 ** (width - 1)), 2 ** (width - 1) - 1),
    );
    const bias = Array.from({ length: units }, () => random.integer(-40, 60));
    // A neuron whose bias no input can lift: it never fires.
    if (layer === 1 && options.deadNeuron !== undefined) bias[options.deadNeuron] = -100_000;
    x = builder.dense({
      layer: `fc${layer}`,
      name: `fc${layer}.sum`,
      input: x,
      weights: { units, data, format: intFormat(true, width, 3) },
      bias,
    });
    if (layer < sizes.length - 1) {
      const fraction = 3;
      x = builder.requantize({
        layer: `fc${layer}`,
        name: `fc${layer}.out`,
        input: x,
        format: intFormat(false, 3, fraction - 1),
        activation: "relu",
      });
    }
  }
  builder.output("logits", x, "logits");
  builder.output("class", builder.argmax({ layer: "class", name: "class", input: x }), "class");
  return builder.build();
}

/** Images with a border of zeros and random insides, as mantissas. */
export function images(elements: number, count: number, alwaysZero: readonly number[] = []): Uint8Array {
  const random = createRandom(5, "images", elements);
  const zero = new Set(alwaysZero);
  return Uint8Array.from({ length: elements * count }, (_, i) =>
    zero.has(i % elements) || random.uniform() < 0.6 ? 0 : random.integer(1, 255),
  );
}
