// What an imported network computes, in double precision and the plainest way: one sample in, every node's value out.
import { valueAt } from "../../../graph/expression.ts";
import type { ConvOperator, PoolOperator } from "../../../graph/graph.ts";
import type {
  ImportedConstants,
  ImportedModel,
  ImportedNode,
  Quantizer,
  QuantRounding,
} from "../../../graph/imported.ts";

export interface Array64 {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Values of all nodes by name, from those of the inputs. */
export function evaluateImported(
  model: ImportedModel,
  inputs: ReadonlyMap<string, Float64Array>,
): ReadonlyMap<string, Float64Array> {
  const values = new Map<string, Array64>();
  for (const node of model.nodes) {
    const operands = operandsOf(node).map((name) => values.get(name)!);
    const data =
      node.kind === "input"
        ? inputs.get(node.name)!
        : compute(node, operands, model.constants.get(node.name));
    if (data.length !== sizeOf(node.shape)) throw new Error(`${node.name}: ${data.length} elements`);
    values.set(node.name, { shape: node.shape, data });
  }
  return new Map([...values].map(([name, { data }]) => [name, data]));
}

/** The model's outputs in order, all of them finite. */
export function outputsOfImported(
  model: ImportedModel,
  inputs: Readonly<Record<string, Float64Array>>,
): readonly Float64Array[] {
  const values = evaluateImported(model, new Map(Object.entries(inputs)));
  for (const [name, data] of values)
    if (!data.every(Number.isFinite)) throw new Error(`${name} is not finite`);
  return model.outputs.map((output) => values.get(output.node)!);
}

const operandsOf = (node: ImportedNode): readonly string[] =>
  node.kind === "input" ? [] : "inputs" in node ? node.inputs : [node.input];
const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const at = (list: Float64Array, channel: number): number => list[list.length === 1 ? 0 : channel]!;
const clamp = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));

export function roundBy(x: number, rounding: QuantRounding): number {
  const nearest = Math.round(Math.abs(x));
  const isTie = Math.abs(Math.abs(x) % 1) === 0.5;
  const magnitude = (m: number): number => (x < 0 ? -m : m);
  switch (rounding) {
    case "FLOOR":
      return Math.floor(x);
    case "CEIL":
      return Math.ceil(x);
    case "DOWN":
    case "ROUND_TO_ZERO":
      return Math.trunc(x);
    case "UP":
      return magnitude(Math.ceil(Math.abs(x)));
    case "HALF_UP":
      return magnitude(nearest);
    case "HALF_DOWN":
      return magnitude(isTie ? nearest - 1 : nearest);
    case "HALF_ODD":
      return magnitude(isTie && nearest % 2 === 0 ? nearest - 1 : nearest);
    case "ROUND":
      return magnitude(isTie && nearest % 2 === 1 ? nearest - 1 : nearest);
  }
}

/** A stated quantizer on one number of a channel. */
export function quantize(x: number, q: Quantizer, channel: number): number {
  const scale = at(q.scale, channel);
  if (q.kind === "bipolar") return x >= 0 ? scale : -scale;
  const zero = at(q.zeroPoint, channel);
  return (clamp(roundBy(x / scale + zero, q.rounding), q.least, q.greatest) - zero) * scale;
}

function quantizedWeights({ weights, weightQuantizer }: ImportedConstants, units: number): Float64Array {
  if (!weightQuantizer) return weights;
  const each = weights.length / units;
  return weights.map((w, i) => quantize(w, weightQuantizer, Math.floor(i / each)));
}

const quantizedBias = ({ bias, biasQuantizer }: ImportedConstants): Float64Array | null =>
  bias && biasQuantizer ? bias.map((b, unit) => quantize(b, biasQuantizer, unit)) : bias;

function compute(
  node: Exclude<ImportedNode, { readonly kind: "input" }>,
  operands: readonly Array64[],
  constants: ImportedConstants | undefined,
): Float64Array {
  const { shape, data } = operands[0]!;
  const channels = shape.at(-1)!;
  const each = (f: (x: number, channel: number) => number): Float64Array =>
    data.map((x, i) => f(x, i % channels));
  switch (node.kind) {
    case "dense": {
      const weights = quantizedWeights(constants!, node.units);
      const bias = quantizedBias(constants!);
      return Float64Array.from({ length: node.units }, (_, unit) =>
        data.reduce((sum, x, i) => sum + x * weights[unit * data.length + i]!, bias ? bias[unit]! : 0),
      );
    }
    case "conv":
      return convolve(
        node,
        operands[0]!,
        node.shape,
        quantizedWeights(constants!, node.units),
        quantizedBias(constants!),
      );
    case "pool":
      return pooled(node, operands[0]!, node.shape);
    case "norm":
      return each(
        (x, c) =>
          (node.scale[c]! * (x - node.mean[c]!)) / Math.sqrt(node.variance[c]! + node.epsilon) +
          node.bias[c]!,
      );
    case "affine": {
      const { divisor } = node;
      return each((x, c) => (divisor ? x / at(divisor, c) : x * at(node.gain, c)) + at(node.offset, c));
    }
    case "select":
      return Float64Array.from(node.indices, (i) => data[i]!);
    case "lookup":
      return each((x) => node.entries[x]!);
    case "elu":
      return each((x) => node.scale * (x >= 0 ? x : node.alpha * Math.expm1(x)));
    case "quantize":
      return each((x, c) => quantize(x, node.quantizer, c));
    case "multithreshold": {
      const count = node.thresholds.length / node.channels;
      return each((x, c) => {
        const row = (node.channels === 1 ? 0 : c) * count;
        const reached = node.thresholds.subarray(row, row + count).filter((t) => x >= t).length;
        return node.outScale * reached + node.outBias;
      });
    }
    case "trunc":
      return each((x, c) => {
        const [scale, zero] = [at(node.scale, c), at(node.zeroPoint, c)];
        const integer = roundBy(x / scale + zero, "ROUND");
        return (roundBy(integer / 2 ** (node.inputWidth - node.outputWidth), node.rounding) - zero) * scale;
      });
    case "relu":
      return each((x) => Math.max(0, x));
    case "relu6":
      return each((x) => clamp(x, 0, 6));
    case "hardtanh":
      return each((x) => clamp(x, -1, 1));
    case "step":
      return each((x) => Number(x >= 0));
    case "sign":
      return each((x) => (x >= 0 ? 1 : -1));
    case "leaky_relu":
      return each((x) => (x >= 0 ? x : node.slope * x));
    case "curve":
      return each((x) => valueAt(node.body, x));
    case "sigmoid":
      return each((x) => 1 / (1 + Math.exp(-x)));
    case "tanh":
      return each(Math.tanh);
    case "hardsigmoid":
      return each((x) => clamp(x / 6 + 0.5, 0, 1));
    case "hardswish":
      return each((x) => x * clamp(x / 6 + 0.5, 0, 1));
    case "flatten":
    case "reshape":
      return data;
    case "argmax":
      return Float64Array.from({ length: data.length / channels }, (_, i) => {
        const row = data.subarray(i * channels, (i + 1) * channels);
        return row.indexOf(Math.max(...row));
      });
    case "slice":
      return filled(
        node.shape,
        (place) =>
          data[
            index(
              shape,
              place.map((p, axis) => p + node.begin[axis]!),
            )
          ]!,
      );
    case "pad":
      return filled(node.shape, (place) => {
        const inside = place.map((p, axis) => p - node.padding.before[axis]!);
        return inside.every((p, axis) => p >= 0 && p < shape[axis]!)
          ? data[index(shape, inside)]!
          : node.value;
      });
    case "transpose":
      return filled(node.shape, (place) => {
        const source = shape.map(() => 0);
        node.permutation.forEach((axis, i) => {
          source[axis] = place[i]!;
        });
        return data[index(shape, source)]!;
      });
    case "upsample":
      return filled(
        node.shape,
        (place) =>
          data[
            index(
              shape,
              place.map((p, axis) => Math.floor(p / (node.factors[axis] ?? 1))),
            )
          ]!,
      );
    case "add":
    case "subtract":
    case "multiply": {
      const other = operands[1]!;
      const isGate = other.data.length !== data.length;
      return data.map((x, i) => {
        const y = other.data[isGate ? i % channels : i]!;
        return node.kind === "add" ? x + y : node.kind === "subtract" ? x - y : x * y;
      });
    }
    case "concat":
      return filled(node.shape, (place) => {
        let p = place[node.axis]!;
        const part = operands.find((operand) => {
          if (p < operand.shape[node.axis]!) return true;
          p -= operand.shape[node.axis]!;
          return false;
        })!;
        return part.data[
          index(
            part.shape,
            place.map((q, axis) => (axis === node.axis ? p : q)),
          )
        ]!;
      });
    case "batchnorm":
      throw new Error("an imported network has norms");
  }
}

const index = (shape: readonly number[], place: readonly number[]): number =>
  place.reduce((sum, p, axis) => sum * shape[axis]! + p, 0);

const known = new Map<string, readonly (readonly number[])[]>();

/** All places of a shape in row-major order. */
function places(shape: readonly number[]): readonly (readonly number[])[] {
  const key = shape.join("x");
  const found = known.get(key);
  if (found) return found;
  let list: number[][] = [[]];
  for (const size of shape)
    list = list.flatMap((place) => Array.from({ length: size }, (_, i) => [...place, i]));
  known.set(key, list);
  return list;
}

function filled(shape: readonly number[], f: (place: readonly number[]) => number): Float64Array {
  const data = new Float64Array(sizeOf(shape));
  let i = 0;
  for (const place of places(shape)) data[i++] = f(place);
  return data;
}

function convolve(
  conv: ConvOperator,
  input: Array64,
  shape: readonly number[],
  weights: Float64Array,
  bias: Float64Array | null,
): Float64Array {
  const { kernel, strides, dilations, padding, groups, units, transposed } = conv;
  const channels = input.shape.at(-1)!;
  const each = channels / groups;
  const result = filled(shape, (place) => (bias ? bias[place.at(-1)!]! : 0));
  // Every product of a weight and an element goes to the one place of the result that it belongs to.
  const from = transposed ? input.shape.slice(0, -1) : shape.slice(0, -1);
  const to = transposed ? shape.slice(0, -1) : input.shape.slice(0, -1);
  const weightShape = [units, ...kernel, each];
  for (const position of places(from))
    for (const tap of places(kernel)) {
      const other = position.map((p, i) => p * strides[i]! + tap[i]! * dilations[i]! - padding.before[i]!);
      if (!other.every((p, i) => p >= 0 && p < to[i]!)) continue;
      const [inside, outside] = transposed ? [position, other] : [other, position];
      for (let unit = 0; unit < units; unit++)
        for (let c = 0; c < each; c++) {
          const channel = Math.floor(unit / (units / groups)) * each + c;
          result[index(shape, [...outside, unit])]! +=
            weights[index(weightShape, [unit, ...tap, c])]! *
            input.data[index(input.shape, [...inside, channel])]!;
        }
    }
  return result;
}

function pooled(pool: PoolOperator, { shape, data }: Array64, result: readonly number[]): Float64Array {
  const { window, strides, padding, pooling } = pool;
  return filled(result, (place) => {
    const seen: number[] = [];
    for (const tap of places(window)) {
      const source = tap.map((t, i) => place[i]! * strides[i]! + t - padding.before[i]!);
      if (source.every((p, i) => p >= 0 && p < shape[i]!))
        seen.push(data[index(shape, [...source, place.at(-1)!])]!);
    }
    return pooling === "max" ? Math.max(...seen) : seen.reduce((a, b) => a + b, 0) / sizeOf(window);
  });
}
