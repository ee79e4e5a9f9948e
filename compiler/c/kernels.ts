// Which kernel files a model needs. In: types of operands. Out: the kernel's function name, while its file and the
// fixed headers that it includes are collected.

import { fixedFile, renderTemplate } from "../render/render.ts";
import { type FileSet, mergeFileSets } from "../support/file-set.ts";
import type { KernelPlan } from "./plan.ts";
import { type CType, type CTypeName, holds, INT32, INT64, operandType } from "./types.ts";

export interface KernelSet {
  /** Sum of products with weights stored plainly. */
  dot(input: CType, weight: CType, accumulator: CType): string;
  /** Sum of products with packed weights. */
  dotPacked(input: CType, accumulator: CType): string;
  /** Sum of products of bipolar elements by bipolar weights, both packed. */
  dotXnor(accumulator: CType): string;
  /** Sum of products of integers in planes of one bit by packed bipolar weights. */
  dotPlanes(accumulator: CType): string;
  /** Products of neighbouring channels by weights stored plainly, added to their sums. */
  multiplyAdd(input: CType, weight: CType, accumulator: CType): string;
  /** The same with packed weights. */
  multiplyAddPacked(input: CType, accumulator: CType): string;
  /** What a window sees, as a row. */
  patch(input: CType, patch: CType): string;
  /** Largest elements of a window. */
  windowMax(input: CType): string;
  /** Sums of a window. */
  windowSum(input: CType, accumulator: CType): string;
  /** Rounded division by a constant. */
  divide(type: CType): string;
  /** Packs one bit of every element. */
  packBits(input: CType): string;
  sum(input: CType, accumulator: CType): string;
  /** Bipolar elements as -1 and +1. */
  signs(): void;
  /** Requantization of one type by shifts to the right (negative: to the left). */
  requantize(
    input: CType,
    shifts: readonly number[],
  ): { readonly name: string; readonly shifts: readonly number[] };
  argmax(input: CType): string;
  threshold(input: CType, threshold: CType): { readonly name: string; readonly compareType: CTypeName };
  /** Headers that the model's source includes, sorted. */
  includes(): readonly string[];
  /** Every kernel file, those included by others too; paths without folder. */
  files(): FileSet;
}

/** Largest shifts that the requantization kernels take. */
const LARGEST_SHIFT_I32 = 31;
const LARGEST_SHIFT_I64 = 62;
const LARGEST_LEFT_SHIFT = 30;

/** Included by every kernel. */
const COMMON = ["nf_common.h"];
/** Included by what reads windows. */
const WINDOW = [...COMMON, "nf_window.h"];

export function createKernelSet(): KernelSet {
  const kernels = new Map<string, KernelPlan>();
  const supporting = new Set<string>();
  const add = (kernel: KernelPlan, includes: readonly string[]): void => {
    kernels.set(kernel.file, kernel);
    for (const file of includes) supporting.add(file);
  };
  const addTemplate = (
    name: string,
    template: string,
    parameters: Readonly<Record<string, string>>,
    includes: readonly string[] = COMMON,
  ): string => {
    const file = `${name}.h`;
    const guard = `${name.toUpperCase()}_H`;
    add({ file, kind: "template", template, parameters: { file, guard, name, ...parameters } }, includes);
    return name;
  };
  /** A kernel `nf_<name>_<types>` that multiplies by weights stored plainly. */
  const products = (name: string, template: string) => (input: CType, weight: CType, accumulator: CType) =>
    addTemplate(`nf_${name}_${input.short}_${weight.short}_${accumulator.short}`, template, {
      inputType: input.name,
      weightType: weight.name,
      accumulatorType: accumulator.name,
      operandType: operandType(input, weight),
    });
  /** The same with packed weights. */
  const packedProducts = (name: string, template: string) => (input: CType, accumulator: CType) =>
    addTemplate(
      `nf_${name}_${input.short}_packed_${accumulator.short}`,
      template,
      { inputType: input.name, accumulatorType: accumulator.name, operandType: operandType(input) },
      [...COMMON, "nf_packed_weight.h"],
    );
  return {
    dot: products("dot", "c/dot.h"),
    dotPacked: packedProducts("dot", "c/dot-packed.h"),
    dotXnor: (accumulator) =>
      addTemplate(`nf_dot_xnor_${accumulator.short}`, "c/dot-xnor.h", { accumulatorType: accumulator.name }, [
        ...COMMON,
        "nf_bits.h",
      ]),
    dotPlanes: (accumulator) =>
      addTemplate(
        `nf_dot_planes_${accumulator.short}`,
        "c/dot-planes.h",
        { accumulatorType: accumulator.name },
        [...COMMON, "nf_bits.h"],
      ),
    multiplyAdd: products("multiply_add", "c/multiply-add.h"),
    multiplyAddPacked: packedProducts("multiply_add", "c/multiply-add-packed.h"),
    patch: (input, patch) =>
      addTemplate(
        input === patch ? `nf_patch_${input.short}` : `nf_patch_${input.short}_${patch.short}`,
        "c/patch.h",
        {
          inputType: input.name,
          patchType: patch.name,
          cast: holds(patch, input.range) ? "" : `(${patch.name})`,
        },
        WINDOW,
      ),
    windowMax: (input) =>
      addTemplate(`nf_window_max_${input.short}`, "c/window-max.h", { inputType: input.name }, WINDOW),
    windowSum: (input, accumulator) =>
      addTemplate(
        `nf_window_sum_${input.short}_${accumulator.short}`,
        "c/window-sum.h",
        { inputType: input.name, accumulatorType: accumulator.name },
        WINDOW,
      ),
    divide: (type) =>
      addTemplate(`nf_divide_${type.short}`, "c/divide.h", {
        type: type.name,
        largestShift: `${8 * type.bytes - 2}`,
      }),
    packBits: (input) =>
      addTemplate(`nf_pack_bits_${input.short}`, "c/pack-bits.h", { inputType: input.name }),
    sum: (input, accumulator) =>
      addTemplate(`nf_sum_${input.short}_${accumulator.short}`, "c/sum.h", {
        inputType: input.name,
        accumulatorType: accumulator.name,
      }),
    signs: () => add({ file: "nf_signs.h", kind: "fixed" }, COMMON),
    requantize: (input, shifts) => {
      const wide = !holds(INT32, input.range) || shifts.some((shift) => shift > LARGEST_SHIFT_I32);
      const name = wide ? "nf_requantize_i64" : "nf_requantize_i32";
      add({ file: `${name}.h`, kind: "fixed" }, [...COMMON, "nf_rounding.h"]);
      // Past these bounds nothing changes: accumulators have at most 48 bits and results at most 16.
      const clamped = shifts.map((shift) =>
        Math.max(-LARGEST_LEFT_SHIFT, Math.min(LARGEST_SHIFT_I64, shift)),
      );
      return { name, shifts: clamped };
    },
    argmax: (input) => addTemplate(`nf_argmax_${input.short}`, "c/argmax.h", { inputType: input.name }),
    threshold: (input, threshold) => {
      const compare = holds(INT32, input.range) && holds(INT32, threshold.range) ? INT32 : INT64;
      const name = addTemplate(`nf_threshold_${compare.short}_${threshold.short}`, "c/threshold.h", {
        compareType: compare.name,
        thresholdType: threshold.name,
      });
      return { name, compareType: compare.name };
    },
    includes: () => [...kernels.keys(), "nf_trace.h"].sort(),
    files: () => {
      const fixed = new Map<string, string>();
      const rendered = new Map<string, string>();
      for (const kernel of kernels.values()) {
        if (kernel.kind === "fixed") fixed.set(kernel.file, fixedFile(`c/lib/${kernel.file}`));
        else rendered.set(kernel.file, renderTemplate(kernel.template, kernel.parameters));
      }
      for (const file of [...supporting, "nf_trace.h"]) fixed.set(file, fixedFile(`c/lib/${file}`));
      const all = mergeFileSets(fixed, rendered);
      return new Map([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
    },
  };
}
