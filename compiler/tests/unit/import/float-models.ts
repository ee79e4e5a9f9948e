// Float models built in memory, and their plainest evaluation in doubles.
import type { FloatNetwork } from "../../../graph/first-weights.ts";
import type { ConvOperator, Operator, SingleOperator, StoredType } from "../../../graph/graph.ts";
import type {
  AffineNode,
  ImportedConstants,
  ImportedModel,
  ImportedNode,
  NormNode,
} from "../../../graph/imported.ts";
import { flippedKernel } from "../../../graph/imported.ts";
import { inferShape, product, type Shape } from "../../../graph/shapes.ts";
import { createRandom } from "../../../support/random.ts";

const origin = { file: "model.onnx", line: 1, column: 1 };

/** Adds nodes with random constants; every call gives the name of its node. */
export interface ModelBuilder {
  input(shape: Shape, stored?: StoredType | null): string;
  op(input: string, operator: SingleOperator, name?: string): string;
  dense(input: string, units: number, name?: string): string;
  conv(input: string, units: number, changes?: Partial<ConvOperator>, name?: string): string;
  norm(input: string, changes?: Partial<NormNode>, name?: string): string;
  affine(input: string, changes?: Partial<Pick<AffineNode, "gain" | "offset">>, name?: string): string;
  join(kind: "add" | "subtract" | "multiply", first: string, second: string): string;
  concat(inputs: readonly string[], axis: number): string;
  constants(name: string): ImportedConstants;
  model(output: string, name?: string): ImportedModel;
}

export function modelBuilder(seed = 1): ModelBuilder {
  const random = createRandom("float models", seed);
  const nodes: ImportedNode[] = [];
  const constants = new Map<string, ImportedConstants>();
  const normal = (count: number, size = 1) =>
    Float64Array.from({ length: count }, () => size * random.normal());
  const positive = (count: number) => Float64Array.from({ length: count }, () => 0.3 + random.uniform());
  const shapeOf = (name: string): Shape => nodes.find((n) => n.name === name)!.shape;
  const channels = (name: string): number => shapeOf(name).at(-1)!;
  const push = (node: ImportedNode): string => {
    nodes.push(node);
    return node.name;
  };
  const fresh = (kind: string): string => `${kind}${nodes.length}`;
  const shaped = (operator: Operator, inputs: readonly string[]): Shape => {
    const found = inferShape(operator, inputs.map(shapeOf));
    if ("problems" in found) throw new Error(JSON.stringify(found.problems));
    return found.shape;
  };
  const weighted = (
    input: string,
    operator: SingleOperator & { units: number },
    inputs: number,
    name: string,
  ) => {
    constants.set(name, {
      weights: normal(operator.units * inputs, 1 / Math.sqrt(inputs)).map(Math.fround),
      weightQuantizer: null,
      bias: normal(operator.units, 0.2).map(Math.fround),
      biasQuantizer: null,
    });
    return push({ ...operator, name, input, shape: shaped(operator, [input]), origin });
  };
  return {
    input: (shape, stored = null) => push({ kind: "input", name: "x", shape, stored, origin }),
    op: (input, operator, name = fresh(operator.kind)) =>
      push({ ...operator, name, input, shape: shaped(operator, [input]), origin } as ImportedNode),
    dense: (input, units, name = fresh("fc")) =>
      weighted(input, { kind: "dense", units }, product(shapeOf(input)), name),
    conv(input, units, changes = {}, name = fresh("conv")) {
      const axes = shapeOf(input).length - 1;
      const ones = new Array<number>(axes).fill(1);
      const operator: ConvOperator = {
        kind: "conv",
        transposed: false,
        units,
        kernel: ones.map(() => 3),
        strides: ones,
        dilations: ones,
        padding: { before: ones.map(() => 0), after: ones.map(() => 0) },
        groups: 1,
        ...changes,
      };
      const inputs = (product(operator.kernel) * channels(input)) / operator.groups;
      return weighted(input, operator, inputs, name);
    },
    norm(input, changes = {}, name = fresh("bn")) {
      const count = channels(input);
      return push({
        kind: "norm",
        name,
        input,
        shape: shapeOf(input),
        origin,
        scale: normal(count),
        bias: normal(count, 0.3),
        mean: normal(count, 0.3),
        variance: positive(count),
        epsilon: 1e-3,
        ...changes,
      });
    },
    affine(input, changes = {}, name = fresh("affine")) {
      const count = channels(input);
      const [gain, offset] = [normal(count), normal(count, 0.3)];
      return push({ kind: "affine", name, input, shape: shapeOf(input), origin, gain, offset, ...changes });
    },
    join: (kind, first, second) =>
      push({ kind, name: fresh(kind), inputs: [first, second], shape: shapeOf(first), origin }),
    concat: (inputs, axis) =>
      push({
        kind: "concat",
        axis,
        name: fresh("concat"),
        inputs,
        shape: shaped({ kind: "concat", axis }, inputs),
        origin,
      }),
    constants: (name) => constants.get(name)!,
    model: (output, name = "built") => ({
      name,
      format: "test 1",
      nodes,
      constants,
      outputs: [{ name: "y", node: output }],
    }),
  };
}

/** The network as a model again. */
export function modelOf({ graph, weights }: FloatNetwork): ImportedModel {
  const numbers = (x: Float32Array) => Float64Array.from(x);
  const constants = new Map<string, ImportedConstants>();
  for (const [name, layer] of weights) {
    const node = graph.nodes.find((n) => n.name === name)!;
    const own = numbers(layer.weights);
    constants.set(name, {
      weights: node.kind === "conv" && node.transposed ? flippedKernel(own, node.units, node.kernel) : own,
      weightQuantizer: null,
      bias: layer.bias && numbers(layer.bias),
      biasQuantizer: null,
    });
  }
  const nodes = graph.nodes.map((node): ImportedNode => {
    if (node.kind !== "batchnorm") return node as ImportedNode;
    const { gain, shift, mean, variance } = weights.get(node.input)!.norm!;
    const { name, input, shape, origin } = node;
    const of = {
      scale: numbers(gain),
      bias: numbers(shift),
      mean: numbers(mean),
      variance: numbers(variance),
    };
    return { kind: "norm", name, input, shape, origin, ...of, epsilon: 1e-5 };
  });
  return { name: graph.name, format: "test 1", nodes, constants, outputs: graph.outputs };
}

/** Values of every element of the output, for one sample. */
export function evaluate(model: ImportedModel, input: ArrayLike<number>): Float64Array {
  const values = new Map<string, Float64Array>();
  const shapes = new Map<string, Shape>();
  for (const node of model.nodes) {
    shapes.set(node.name, node.shape);
    values.set(node.name, valuesOf(node));
  }
  return values.get(model.outputs[0]!.node)!;

  function valuesOf(node: ImportedNode): Float64Array {
    if (node.kind === "input") return Float64Array.from(input);
    const names = "inputs" in node ? node.inputs : [(node as { input: string }).input];
    const x = values.get(names[0]!)!;
    const shape = shapes.get(names[0]!)!;
    const depth = shape.at(-1)!;
    const at = (list: Float64Array, c: number): number => list[list.length === 1 ? 0 : c]!;
    const places = (sizes: Shape): number[][] =>
      sizes.reduce<number[][]>(
        (all, size) => all.flatMap((p) => Array.from({ length: size }, (_, i) => [...p, i])),
        [[]],
      );
    const indexOf = (place: readonly number[], sizes: Shape): number =>
      place.reduce((sum, i, axis) => sum * sizes[axis]! + i, 0);
    const inside = (place: readonly number[], sizes: Shape) => place.every((i, a) => i >= 0 && i < sizes[a]!);
    switch (node.kind) {
      case "norm":
        return x.map((v, e) => {
          const c = e % depth;
          const deviation = Math.sqrt(at(node.variance, c) + node.epsilon);
          return (at(node.scale, c) * (v - at(node.mean, c))) / deviation + at(node.bias, c);
        });
      case "affine":
        return x.map((v, e) => v * at(node.gain, e % depth) + at(node.offset, e % depth));
      case "dense": {
        const { weights, bias } = model.constants.get(node.name)!;
        return Float64Array.from({ length: node.units }, (_, u) =>
          x.reduce((sum, v, k) => sum + v * weights[u * x.length + k]!, bias?.[u] ?? 0),
        );
      }
      case "conv": {
        const { weights, bias } = model.constants.get(node.name)!;
        const { kernel, strides, dilations, padding, groups, units } = node;
        const [spatial, result] = [shape.slice(0, -1), node.shape.slice(0, -1)];
        const [perGroup, unitsPerGroup] = [depth / groups, units / groups];
        const out = new Float64Array(product(node.shape));
        for (const p of places(result))
          for (let u = 0; u < units; u++) {
            let sum = bias?.[u] ?? 0;
            for (const k of places(kernel)) {
              const from = p.map((i, a) => i * strides[a]! + k[a]! * dilations[a]! - padding.before[a]!);
              if (!inside(from, spatial)) continue;
              for (let c = 0; c < perGroup; c++) {
                const channel = Math.floor(u / unitsPerGroup) * perGroup + c;
                const weight = (u * product(kernel) + indexOf(k, kernel)) * perGroup + c;
                sum += weights[weight]! * x[indexOf(from, spatial) * depth + channel]!;
              }
            }
            out[indexOf(p, result) * units + u] = sum;
          }
        return out;
      }
      case "pool": {
        const { window, strides, padding } = node;
        const [spatial, result] = [shape.slice(0, -1), node.shape.slice(0, -1)];
        const out = new Float64Array(product(node.shape));
        for (const p of places(result))
          for (let c = 0; c < depth; c++) {
            const found = places(window)
              .map((k) => p.map((i, a) => i * strides[a]! + k[a]! - padding.before[a]!))
              .filter((from) => inside(from, spatial))
              .map((from) => x[indexOf(from, spatial) * depth + c]!);
            out[indexOf(p, result) * depth + c] =
              node.pooling === "max"
                ? Math.max(...found)
                : found.reduce((a, b) => a + b, 0) / product(window);
          }
        return out;
      }
      case "relu":
        return x.map((v) => Math.max(0, v));
      case "leaky_relu":
        return x.map((v) => (v >= 0 ? v : v * node.slope));
      case "sign":
        return x.map((v) => (v >= 0 ? 1 : -1));
      case "sigmoid":
        return x.map((v) => 1 / (1 + Math.exp(-v)));
      case "tanh":
        return x.map(Math.tanh);
      case "flatten":
      case "reshape":
        return x;
      case "transpose":
        return Float64Array.from(places(node.shape), (p) => {
          const from = new Array<number>(p.length);
          node.permutation.forEach((axis, i) => {
            from[axis] = p[i]!;
          });
          return x[indexOf(from, shape)]!;
        });
      case "slice":
        return Float64Array.from(
          places(node.shape),
          (p) =>
            x[
              indexOf(
                p.map((i, a) => i + node.begin[a]!),
                shape,
              )
            ]!,
        );
      case "pad":
        return Float64Array.from(places(node.shape), (p) => {
          const from = p.map((i, a) => i - node.padding.before[a]!);
          return inside(from, shape) ? x[indexOf(from, shape)]! : node.value;
        });
      case "upsample":
        return Float64Array.from(places(node.shape), (p) => {
          const from = p.map((i, a) => (a < node.factors.length ? Math.floor(i / node.factors[a]!) : i));
          return x[indexOf(from, shape)]!;
        });
      case "add":
      case "subtract":
      case "multiply": {
        const other = values.get(names[1]!)!;
        const second = (e: number): number => other[other.length === x.length ? e : e % depth]!;
        if (node.kind === "add") return x.map((v, e) => v + second(e));
        if (node.kind === "subtract") return x.map((v, e) => v - second(e));
        return x.map((v, e) => v * second(e));
      }
      case "concat": {
        const parts = names.map((name) => values.get(name)!);
        const runs = names.map((name) => product(shapes.get(name)!.slice(node.axis)));
        const rows = parts[0]!.length / runs[0]!;
        return Float64Array.from(
          Array.from({ length: rows }, (_, r) =>
            parts.flatMap((part, i) => Array.from(part.subarray(r * runs[i]!, (r + 1) * runs[i]!))),
          ).flat(),
        );
      }
      case "argmax":
        return Float64Array.of(x.indexOf(Math.max(...x)));
      default:
        throw new Error(`no evaluation of ${node.kind}`);
    }
  }
}
