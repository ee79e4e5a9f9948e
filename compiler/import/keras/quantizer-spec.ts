// How QKeras writes a quantizer: an object with class_name and config, or text such as "quantized_bits(4, 0, alpha=1)".
// In: either. Out: the name and its settings by name. Parameter names and order: public documentation of QKeras 0.9
// (github.com/google/qkeras); the quantizers themselves: arXiv:2006.10159.
import { isObject } from "./json-text.ts";
import { readObject } from "./layer-reader.ts";

/** Parameters of every quantizer that is known, in the order of positional arguments. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  quantized_bits: [
    "bits",
    "integer",
    "symmetric",
    "keep_negative",
    "alpha",
    "use_stochastic_rounding",
    "scale_axis",
    "qnoise_factor",
    "var_name",
    "use_ste",
    "use_variables",
    "elements_per_scale",
    "min_po2_exponent",
    "max_po2_exponent",
    "post_training_scale",
  ],
  quantized_relu: [
    "bits",
    "integer",
    "use_sigmoid",
    "negative_slope",
    "use_stochastic_rounding",
    "relu_upper_bound",
    "is_quantized_clip",
    "qnoise_factor",
    "var_name",
    "use_ste",
    "use_variables",
    "enable_fast_inference",
  ],
  quantized_tanh: ["bits", "use_stochastic_rounding", "symmetric", "use_real_tanh"],
  quantized_sigmoid: ["bits", "symmetric", "use_real_sigmoid", "use_stochastic_rounding"],
  binary: [
    "use_01",
    "alpha",
    "use_stochastic_rounding",
    "scale_axis",
    "elements_per_scale",
    "min_po2_exponent",
    "max_po2_exponent",
  ],
  stochastic_binary: ["alpha", "temperature", "use_real_sigmoid"],
  ternary: ["alpha", "threshold", "use_stochastic_rounding", "number_of_unrolls"],
  stochastic_ternary: ["alpha", "threshold", "temperature", "use_real_sigmoid", "number_of_unrolls"],
  bernoulli: ["alpha", "temperature", "use_real_sigmoid"],
  quantized_po2: [
    "bits",
    "max_value",
    "use_stochastic_rounding",
    "quadratic_approximation",
    "log2_rounding",
    "qnoise_factor",
    "var_name",
    "use_ste",
    "use_variables",
  ],
  quantized_relu_po2: [
    "bits",
    "max_value",
    "negative_slope",
    "use_stochastic_rounding",
    "quadratic_approximation",
    "log2_rounding",
    "qnoise_factor",
    "var_name",
    "use_ste",
    "use_variables",
  ],
  quantized_linear: [],
  quantized_hswish: [],
  quantized_ulaw: [],
};

export interface QuantizerSpec {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Whether a name is one of QKeras' quantizers, supported or not. */
export const isQuantizerName = (name: string): boolean => Object.hasOwn(PARAMETERS, name);

const ARGUMENT =
  /\s*(?:([A-Za-z_]\w*)\s*=\s*)?(?:'([^']*)'|"([^"]*)"|([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(True|False|None))\s*(,|$)/y;

/** Arguments between the parentheses; undefined when they are not plain values. */
function readArguments(
  text: string,
  names: readonly string[],
): Readonly<Record<string, unknown>> | undefined {
  const settings: Record<string, unknown> = {};
  if (text.trim() === "") return settings;
  ARGUMENT.lastIndex = 0;
  for (let position = 0; ARGUMENT.lastIndex < text.length; position++) {
    const found = ARGUMENT.exec(text);
    if (!found) return undefined;
    const [, keyword, single, double, number, word] = found;
    const name = keyword ?? names[position];
    if (name === undefined) return undefined;
    settings[name] =
      single ?? double ?? (number !== undefined ? Number(number) : word === "None" ? null : word === "True");
  }
  return settings;
}

/** The quantizer that a file's value stands for; undefined when it stands for none. */
export function readQuantizerSpec(value: unknown): QuantizerSpec | undefined {
  if (typeof value === "string") {
    const call = /^\s*([A-Za-z_]\w*)\s*(?:\(([^()]*)\))?\s*$/.exec(value.slice(0, 1000));
    const name = call?.[1];
    if (name === undefined || !isQuantizerName(name)) return undefined;
    const settings = readArguments(call?.[2] ?? "", PARAMETERS[name]!);
    return settings && { name, settings };
  }
  const object = isObject(value) ? readObject(value) : undefined;
  return object && isQuantizerName(object.name) ? { name: object.name, settings: object.config } : undefined;
}

/** Thrown inside of this folder: why a quantizer cannot be honoured. The layer that has it makes a diagnostic of it. */
export class QuantizerProblem extends Error {}

const problem = (text: string): never => {
  throw new QuantizerProblem(text);
};

export interface QuantizerReader {
  integer(key: string, fallback: number, least: number, most: number): number;
  flag(key: string, fallback: boolean): boolean;
  /** Null where it is missing. */
  number(key: string): number | null;
  /** null: 1. A number, or how it follows from the weights. */
  alpha(): number | null | "auto" | "auto_po2";
}

/** Reads settings; throws QuantizerProblem for what is not understood or would change the result. */
export function quantizerReader({ name, settings }: QuantizerSpec): QuantizerReader {
  const unknown = Object.keys(settings).find((key) => !PARAMETERS[name]!.includes(key));
  if (unknown !== undefined) problem(`has the unknown setting ${unknown}`);
  const value = (key: string): unknown => (Object.hasOwn(settings, key) ? settings[key] : null);
  for (const key of ["scale_axis", "elements_per_scale", "post_training_scale"])
    if ((value(key) ?? null) !== null) problem(`sets ${key}, which is not supported`);
  if ((value("qnoise_factor") ?? 1) !== 1)
    problem("has a qnoise_factor other than 1: it does not quantize wholly");
  const bad = (key: string): never => problem(`has a ${key} of ${JSON.stringify(value(key))}`);
  return {
    integer: (key, fallback, least, most) => {
      const found = value(key) ?? fallback;
      if (typeof found === "number" && Number.isInteger(found) && found >= least && found <= most)
        return found;
      return bad(key);
    },
    flag: (key, fallback) => {
      const found = value(key) ?? fallback;
      if (typeof found === "boolean") return found;
      return found === 0 || found === 1 ? found === 1 : bad(key);
    },
    number: (key) => {
      const found = value(key) ?? null;
      return found === null || (typeof found === "number" && Number.isFinite(found)) ? found : bad(key);
    },
    alpha: () => {
      const found = value("alpha") ?? null;
      if (found === null || found === "auto" || found === "auto_po2") return found;
      if (typeof found === "number" && found > 0 && Number.isFinite(found)) return Math.fround(found);
      return bad("alpha");
    },
  };
}
