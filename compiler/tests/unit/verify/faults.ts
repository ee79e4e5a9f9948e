// Faults for the gate to find. In: a design and a place. Out: the same design with one bit or one line changed.
import { flipMemoryBit } from "../../../../rtl-tests/mutation/constant-faults.ts";
import { MODULE_FAULTS, spanOf } from "../../../../rtl-tests/mutation/module-faults.ts";
import { constantNamed } from "../../../program/program.ts";
import type { Design } from "../../../verify/verify.ts";

function withFile(design: Design, path: string, change: (text: string) => string): Design {
  const before = design.files.get(path);
  if (typeof before !== "string") throw new Error(`no text file ${path}`);
  const after = change(before);
  if (after === before) throw new Error(`the fault did not change ${path}`);
  return { ...design, files: new Map([...design.files, [path, after]]) };
}

/** Replaces text that has to occur. */
export function edited(design: Design, path: string, from: string | RegExp, to: string): Design {
  return withFile(design, path, (text) => text.replace(from, to));
}

/** A fault of `make mutate` in every instance of a fixed module, by what it is said to do. */
export function moduleFault(design: Design, module: string, what: string): Design {
  return withFile(design, `rtl/${module}.v`, (text) => {
    for (const place of MODULE_FAULTS[module]!)
      for (const fault of place.faults) {
        if (fault.what !== what) continue;
        const { start, end } = spanOf(module, text, place);
        return `${text.slice(0, start)}${fault.to}${text.slice(end)}`;
      }
    throw new Error(`${module} has no fault that ${what}`);
  });
}

/** Flips one bit of weight [neuron, input] in the layer's .mem, by the layout that nf_dense.v documents. */
export function flipVerilogWeight(
  design: Design,
  layer: string,
  neuron: number,
  input: number,
  bit: number,
): Design {
  const stage = design.manifest.rtl!.stages.find((s) => s.layer === layer && s.op === "dense")!;
  const { pe, simd } = stage;
  const dense = design.program.instructions.find((i) => i.op === "dense" && i.layer === layer)!;
  const weights = constantNamed(design.program, (dense as { weights: string }).weights);
  const width = weights.format.kind === "int" ? weights.format.width : 1;
  const folds = Math.ceil(weights.shape[1]! / simd);
  const word = Math.floor(neuron / pe) * folds + Math.floor(input / simd);
  const at = ((neuron % pe) * simd + (input % simd)) * width + bit;
  return flipMemoryBit(design, `rtl/${layer}_weights.mem`, word, at);
}

/** Flips the lowest bit of a neuron's bias in the layer's .mem. */
export function flipVerilogBias(design: Design, layer: string, neuron: number): Design {
  const { pe } = design.manifest.rtl!.stages.find((s) => s.layer === layer && s.op === "dense")!;
  const tap = design.manifest.rtl!.taps.find((t) => t.layer === layer && t.kind === "accumulator")!;
  return flipMemoryBit(design, `rtl/${layer}_bias.mem`, Math.floor(neuron / pe), (neuron % pe) * tap.width);
}

/** Flips one bit of packed weight [neuron, input] of the C, by the layout that nf_packed_weight.h documents. */
export function flipCWeight(
  design: Design,
  layer: string,
  neuron: number,
  input: number,
  bit: number,
): Design {
  const { prefix } = design.manifest.c!;
  const dense = design.program.instructions.find((i) => i.op === "dense" && i.layer === layer)!;
  const weights = constantNamed(design.program, (dense as { weights: string }).weights);
  const [units, inputs] = weights.shape as [number, number];
  return withFile(design, `c/${prefix}.c`, (text) => {
    const array = new RegExp(`(${prefix}_${layer}_weights\\[(\\d+)\\] = \\{)([^}]*)\\}`).exec(text)!;
    const bytes = array[3]!.match(/0x[0-9a-f]{2}/g)!.map(Number);
    const rowBytes = bytes.length / units;
    const bits = rowBytes / (inputs / 8);
    if (inputs % 8 !== 0 || inputs >= 128 || !Number.isInteger(bits))
      throw new Error("the fault needs one block");
    const lanes = inputs / 8;
    const position = Math.floor(input / lanes) * bits + bit;
    const at = neuron * rowBytes + (position >> 3) * lanes + (input % lanes);
    bytes[at] = bytes[at]! ^ (1 << (position & 7));
    return text.replace(array[0], `${array[1]}${bytes.join(", ")}}`);
  });
}
