// The nodes of an imported model, one after the other. In: operators on values that are there. Out: nodes with unique
// names and shapes by the one rule of graph/shapes.ts; what does not fit is thrown for the layer that asked.
import type { GraphOutput, SingleOperator } from "../../graph/graph.ts";
import type { ImportedConstants, ImportedModel, ImportedNode, Quantizer } from "../../graph/imported.ts";
import { inferShape, type Shape } from "../../graph/shapes.ts";
import { createDiagnostic, DiagnosticError } from "../../support/diagnostics.ts";

/** A tensor of the model. */
export interface Value {
  readonly name: string;
  readonly shape: Shape;
}

type OneInputFields<K extends ImportedNode["kind"]> = Omit<
  Extract<ImportedNode, { readonly kind: K }>,
  "kind" | "name" | "shape" | "origin" | "input"
>;

type JoinKind = "add" | "subtract" | "multiply";

/** Adds nodes for one use of a layer. The first takes the layer's name; `part` comes behind it. */
export interface LayerBuilder {
  readonly layer: string;
  readonly type: string;
  input(shape: Shape): Value;
  operator(input: Value, operator: SingleOperator, part?: string): Value;
  /** A dense or conv with its constants. */
  weighted(input: Value, operator: SingleOperator, constants: ImportedConstants, part?: string): Value;
  join(kind: JoinKind, first: Value, second: Value, part?: string): Value;
  concat(inputs: readonly Value[], axis: number): Value;
  norm(input: Value, fields: OneInputFields<"norm">): Value;
  affine(input: Value, gain: readonly number[], offset: readonly number[], part?: string): Value;
  quantize(input: Value, quantizer: Quantizer, part?: string): Value;
  multithreshold(input: Value, fields: OneInputFields<"multithreshold">, part?: string): Value;
  /** Throws import/keras-shape about this layer. */
  misfit(problem: string, advice: string): never;
}

export interface NodeBuilder {
  /** `layer` is unique to the use. */
  forLayer(layer: string, type: string): LayerBuilder;
  finish(name: string, format: string, outputs: readonly GraphOutput[]): ImportedModel;
}

export function createNodeBuilder(path: string): NodeBuilder {
  const nodes: ImportedNode[] = [];
  const constants = new Map<string, ImportedConstants>();
  const names = new Set<string>();
  const origin = { file: path, line: 1, column: 1 };

  const unique = (wanted: string): string => {
    let name = wanted;
    for (let n = 2; names.has(name); n++) name = `${wanted}_${n}`;
    names.add(name);
    return name;
  };

  const forLayer = (layer: string, type: string): LayerBuilder => {
    const misfit = (problem: string, advice: string): never => {
      const parameters = { layer, type, problem, advice };
      throw new DiagnosticError([createDiagnostic("import/keras-shape", parameters, { file: path })]);
    };
    const base = (shape: Shape, part?: string) => ({
      name: unique(part === undefined ? layer : `${layer}/${part}`),
      shape,
      origin,
    });
    const push = <N extends ImportedNode>(node: N): Value => {
      nodes.push(node);
      return { name: node.name, shape: node.shape };
    };
    const shapeOf = (operator: Parameters<typeof inferShape>[0], shapes: readonly Shape[]): Shape => {
      const result = inferShape(operator, shapes);
      if ("shape" in result) return result.shape;
      throw new DiagnosticError(
        result.problems.map(({ code, parameters }) => {
          // The union of codes and parameters is one that belongs together.
          const { message, hint } = createDiagnostic(code as "graph/wrong-rank", parameters as never);
          const about = { layer, type, problem: message, advice: hint ?? "" };
          return createDiagnostic("import/keras-shape", about, { file: path });
        }),
      );
    };
    const operator: LayerBuilder["operator"] = (input, attributes, part) => {
      const shape = shapeOf(attributes, [input.shape]);
      return push({ ...base(shape, part), ...attributes, input: input.name });
    };
    return {
      layer,
      type,
      misfit,
      operator,
      input: (shape) => push({ ...base(shape), kind: "input", stored: null }),
      weighted: (input, attributes, tensors, part) => {
        const value = operator(input, attributes, part);
        constants.set(value.name, tensors);
        return value;
      },
      join: (kind, first, second, part) => {
        const shape = shapeOf({ kind }, [first.shape, second.shape]);
        return push({ ...base(shape, part), kind, inputs: [first.name, second.name] });
      },
      concat: (inputs, axis) => {
        const shape = shapeOf(
          { kind: "concat", axis },
          inputs.map((input) => input.shape),
        );
        return push({ ...base(shape), kind: "concat", axis, inputs: inputs.map((input) => input.name) });
      },
      norm: (input, fields) => push({ ...base(input.shape), kind: "norm", input: input.name, ...fields }),
      affine: (input, gain, offset, part) =>
        push({
          ...base(input.shape, part),
          kind: "affine",
          input: input.name,
          gain: Float64Array.from(gain),
          offset: Float64Array.from(offset),
        }),
      quantize: (input, quantizer, part) =>
        push({ ...base(input.shape, part), kind: "quantize", input: input.name, quantizer }),
      multithreshold: (input, fields, part) =>
        push({ ...base(input.shape, part), kind: "multithreshold", input: input.name, ...fields }),
    };
  };

  return {
    forLayer,
    finish: (name, format, outputs) => ({ name, format, nodes, constants, outputs }),
  };
}
