// Plain interpreter of imported models in doubles: one loop for each kind of node, straight from what compiler/graph says
// they mean. In: a model and its inputs, row-major. Out: the tensor of every node.
import type { ConvOperator, PoolOperator } from "../../../graph/graph.ts";
import type {
  ImportedConstants,
  ImportedModel,
  ImportedNode,
  Quantizer,
  QuantRounding,
} from "../../../graph/imported.ts";

export type Numbers = Float64Array;

interface Tensor {
  readonly shape: readonly number[];
  readonly data: Numbers;
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** Every index of a shape, row-major. */
function* indices(shape: readonly number[]): Generator<readonly number[]> {
  const index = shape.map(() => 0);
  for (let i = 0; i < product(shape); i++) {
    yield index;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
}

const offsetOf = (shape: readonly number[], index: readonly number[]): number =>
  index.reduce((offset, at, axis) => offset * shape[axis]! + at, 0);

const isInside = (shape: readonly number[], index: readonly number[]): boolean =>
  index.every((at, axis) => at >= 0 && at < shape[axis]!);

export function roundAs(x: number, rounding: QuantRounding): number {
  const size = Math.abs(x);
  const away = (magnitude: number): number => (x < 0 ? -magnitude : magnitude);
  switch (rounding) {
    case "ROUND": {
      const down = Math.floor(x);
      if (x - down === 0.5) return down % 2 === 0 ? down : down + 1;
      return Math.round(x);
    }
    case "HALF_UP":
      return away(Math.floor(size + 0.5));
    case "HALF_DOWN":
      return away(Math.ceil(size - 0.5));
    case "UP":
      return away(Math.ceil(size));
    case "DOWN":
    case "ROUND_TO_ZERO":
      return Math.trunc(x);
    case "CEIL":
      return Math.ceil(x);
    case "FLOOR":
      return Math.floor(x);
  }
}

const pick = (numbers: Numbers, at: number): number => numbers[numbers.length === 1 ? 0 : at]!;

/** x', by the definition of Quantizer; `channel` is that of the element. */
export function quantizeNumber(x: number, quantizer: Quantizer, channel: number): number {
  const scale = pick(quantizer.scale, channel);
  if (quantizer.kind === "bipolar") return x >= 0 ? scale : -scale;
  const zero = pick(quantizer.zeroPoint, channel);
  const { least, greatest, rounding } = quantizer;
  const m = Math.min(greatest, Math.max(least, roundAs(x / scale + zero, rounding)));
  return (m - zero) * scale;
}

function constantsOf(constants: ImportedConstants, units: number): { weights: Numbers; bias: Numbers } {
  const { weights, weightQuantizer, bias, biasQuantizer } = constants;
  const each = weights.length / units;
  return {
    weights: weightQuantizer
      ? weights.map((w, i) => quantizeNumber(w, weightQuantizer, Math.floor(i / each)))
      : weights,
    bias: (bias ?? new Float64Array(units)).map((b, unit) =>
      biasQuantizer ? quantizeNumber(b, biasQuantizer, unit) : b,
    ),
  };
}

function dense(x: Tensor, units: number, constants: ImportedConstants): Numbers {
  const { weights, bias } = constantsOf(constants, units);
  return bias.map((b, unit) => {
    let sum = b;
    for (let i = 0; i < x.data.length; i++) sum += weights[unit * x.data.length + i]! * x.data[i]!;
    return sum;
  });
}

function conv(x: Tensor, shape: readonly number[], op: ConvOperator, constants: ImportedConstants): Numbers {
  const { kernel, strides, dilations, padding, groups, units, transposed } = op;
  const channels = x.shape.at(-1)!;
  const [part, unitsOfGroup] = [channels / groups, units / groups];
  const { weights, bias } = constantsOf(constants, units);
  const out = new Float64Array(product(shape)).map((_, i) => bias[i % units]!);
  for (const position of indices((transposed ? x.shape : shape).slice(0, -1))) {
    for (const tap of indices(kernel)) {
      const other = position.map(
        (at, axis) => at * strides[axis]! + tap[axis]! * dilations[axis]! - padding.before[axis]!,
      );
      const [from, to] = transposed ? [position, other] : [other, position];
      if (!isInside(x.shape.slice(0, -1), from) || !isInside(shape.slice(0, -1), to)) continue;
      const [source, target] = [
        offsetOf(x.shape, [...from, 0]),
        offsetOf([...shape.slice(0, -1), units], [...to, 0]),
      ];
      const tapAt = offsetOf(kernel, tap);
      for (let unit = 0; unit < units; unit++) {
        const group = Math.floor(unit / unitsOfGroup);
        for (let c = 0; c < part; c++)
          out[target + unit]! +=
            weights[(unit * product(kernel) + tapAt) * part + c]! * x.data[source + group * part + c]!;
      }
    }
  }
  return out;
}

function pool(x: Tensor, shape: readonly number[], op: PoolOperator): Numbers {
  const { window, strides, padding, pooling } = op;
  const out: number[] = [];
  for (const index of indices(shape)) {
    const channel = index.at(-1)!;
    let most = -Infinity;
    let sum = 0;
    for (const tap of indices(window)) {
      const from = tap.map((at, axis) => index[axis]! * strides[axis]! + at - padding.before[axis]!);
      if (!isInside(x.shape.slice(0, -1), from)) continue;
      const value = x.data[offsetOf(x.shape, [...from, channel])]!;
      most = Math.max(most, value);
      sum += value;
    }
    out.push(pooling === "max" ? most : sum / product(window));
  }
  return Float64Array.from(out);
}

const clamp = (x: number, least: number, most: number): number => Math.min(most, Math.max(least, x));
const hardSigmoid = (x: number): number => clamp(x / 6 + 0.5, 0, 1);

const CURVES: Readonly<Record<string, (x: number) => number>> = {
  relu: (x) => Math.max(0, x),
  hardtanh: (x) => clamp(x, -1, 1),
  step: (x) => (x >= 0 ? 1 : 0),
  sign: (x) => (x >= 0 ? 1 : -1),
  relu6: (x) => clamp(x, 0, 6),
  hardsigmoid: hardSigmoid,
  hardswish: (x) => x * hardSigmoid(x),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
};

/** The result at every index, where it is one element of the input, or a constant. */
function moved(
  shape: readonly number[],
  x: Tensor,
  from: (index: readonly number[]) => readonly number[],
  outside: number,
): Numbers {
  const out: number[] = [];
  for (const index of indices(shape)) {
    const source = from(index);
    out.push(isInside(x.shape, source) ? x.data[offsetOf(x.shape, source)]! : outside);
  }
  return Float64Array.from(out);
}

function evaluate(node: ImportedNode, inputs: readonly Tensor[], model: ImportedModel): Numbers {
  const x = inputs[0]!;
  const channels = node.shape.at(-1)!;
  switch (node.kind) {
    case "input":
      throw new Error(`no value for the input ${node.name}`);
    case "dense":
      return dense(x, node.units, model.constants.get(node.name)!);
    case "conv":
      return conv(x, node.shape, node, model.constants.get(node.name)!);
    case "pool":
      return pool(x, node.shape, node);
    case "norm":
      return x.data.map((value, i) => {
        const c = i % channels;
        const deviation = Math.sqrt(node.variance[c]! + node.epsilon);
        return (node.scale[c]! * (value - node.mean[c]!)) / deviation + node.bias[c]!;
      });
    case "affine":
      return x.data.map(
        (value, i) => value * pick(node.gain, i % channels) + pick(node.offset, i % channels),
      );
    case "quantize":
      return x.data.map((value, i) => quantizeNumber(value, node.quantizer, i % channels));
    case "multithreshold": {
      const each = node.thresholds.length / node.channels;
      return x.data.map((value, i) => {
        const row = node.channels === 1 ? 0 : i % channels;
        const passed = node.thresholds.slice(row * each, (row + 1) * each).filter((t) => value >= t).length;
        return node.outScale * passed + node.outBias;
      });
    }
    case "trunc": {
      const drop = 2 ** (node.inputWidth - node.outputWidth);
      return x.data.map((value, i) => {
        const [scale, zero] = [pick(node.scale, i % channels), pick(node.zeroPoint, i % channels)];
        return (roundAs((value / scale + zero) / drop, node.rounding) - zero) * scale;
      });
    }
    case "leaky_relu":
      return x.data.map((value) => (value >= 0 ? value : node.slope * value));
    case "flatten":
    case "reshape":
      return x.data;
    case "transpose":
      return moved(
        node.shape,
        x,
        (index) => x.shape.map((_, axis) => index[node.permutation.indexOf(axis)]!),
        0,
      );
    case "slice":
      return moved(node.shape, x, (index) => index.map((at, axis) => at + node.begin[axis]!), 0);
    case "pad":
      return moved(
        node.shape,
        x,
        (index) => index.map((at, axis) => at - node.padding.before[axis]!),
        node.value,
      );
    case "upsample":
      return moved(
        node.shape,
        x,
        (index) => index.map((at, axis) => Math.floor(at / (node.factors[axis] ?? 1))),
        0,
      );
    case "add":
    case "subtract":
    case "multiply": {
      const other = inputs[1]!;
      return x.data.map((left, i) => {
        const right = other.data[other.data.length === x.data.length ? i : i % channels]!;
        if (node.kind === "add") return left + right;
        return node.kind === "subtract" ? left - right : left * right;
      });
    }
    case "concat": {
      const out: number[] = [];
      for (const index of indices(node.shape)) {
        let at = index[node.axis]!;
        const part = inputs.find((input) => {
          if (at < input.shape[node.axis]!) return true;
          at -= input.shape[node.axis]!;
          return false;
        })!;
        out.push(part.data[offsetOf(part.shape, index.with(node.axis, at))]!);
      }
      return Float64Array.from(out);
    }
    case "argmax": {
      const rows = x.data.length / x.shape.at(-1)!;
      return Float64Array.from({ length: rows }, (_, row) => {
        const values = x.data.slice(row * x.shape.at(-1)!, (row + 1) * x.shape.at(-1)!);
        return values.indexOf(Math.max(...values));
      });
    }
    default:
      return x.data.map(CURVES[node.kind]!);
  }
}

/** Tensors of all nodes by name; checks that each has as many elements as its shape says, all of them finite. */
export function evaluateImported(
  model: ImportedModel,
  inputs: Readonly<Record<string, Numbers>>,
): ReadonlyMap<string, Numbers> {
  const values = new Map<string, Tensor>();
  for (const node of model.nodes) {
    const names = node.kind === "input" ? [] : "inputs" in node ? node.inputs : [node.input];
    const tensors = names.map((name) => values.get(name)!);
    const data = node.kind === "input" ? inputs[node.name] : evaluate(node, tensors, model);
    if (!data || data.length !== product(node.shape))
      throw new Error(`${node.name}: ${data?.length} elements`);
    if (!data.every(Number.isFinite)) throw new Error(`${node.name} is not finite`);
    values.set(node.name, { shape: node.shape, data });
  }
  return new Map([...values].map(([name, { data }]) => [name, data]));
}

/** The model's outputs in order. */
export function outputsOfImported(
  model: ImportedModel,
  inputs: Readonly<Record<string, Numbers>>,
): readonly Numbers[] {
  const values = evaluateImported(model, inputs);
  return model.outputs.map((output) => values.get(output.node)!);
}
