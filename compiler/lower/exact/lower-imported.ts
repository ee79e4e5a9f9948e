// A quantized network of somebody else's file -> integer program, without training and without rounding anything that the
// file does not round: sums are integers, and what stands between sums and the next quantizer becomes integer shifts,
// tables and thresholds, ties decided. What cannot be exact is refused, all of it at once.
import type { ImportedInput, ImportedModel, ImportedNode } from "../../graph/imported.ts";
import { createProgramBuilder } from "../../program/builder.ts";
import type { Program } from "../../program/program.ts";
import { compilerAssert } from "../../support/assert.ts";
import { createCollector, type Diagnostic, DiagnosticError } from "../../support/diagnostics.ts";
import { ONE, over, rationalOf, ZERO } from "../../support/rational.ts";
import { signOf } from "../../support/surd.ts";
import {
  affine,
  type Chain,
  canFollow,
  followedBy,
  gridChain,
  normStep,
  type Step,
  stepsOf,
} from "./chain.ts";
import { describeNode, type Emitted, type Lowering, refuse, refuseInput, type Tensor } from "./context.ts";
import { checkWidth, emittedAs, formatOfLevels } from "./formats.ts";
import { concatTensor, productTensor, settled, settledTensor, sumTensor } from "./joins.ts";
import { type Levels, multiThresholdLevels, quantizerLevels, signLevels, stepLevels } from "./levels.ts";
import { lookupTensor } from "./lookup.ts";
import { moved, movedSettled, moveOf, withoutMoves } from "./moves.ts";
import { inFileOrder, withInputOrder } from "./order.ts";
import { classOf, type ExactOutput, outputOf, scaleOf } from "./outputs.ts";
import {
  checkPortChain,
  type ExactInput,
  type InputGrid,
  portKey,
  quantizedPort,
  statedPort,
} from "./ports.ts";
import { averageTensor, convTensor, denseTensor } from "./products.ts";
import { quantized } from "./quantize.ts";
import { truncOf } from "./trunc.ts";
import { checkQuantizer } from "./weights.ts";

export type { ExactOutput } from "./outputs.ts";
export type { ExactInput, InputGrid } from "./ports.ts";

export interface ExactOptions {
  /** Stored integers of inputs, by name. Without: what the file states, else the integers of the first quantizer. */
  readonly inputs?: ReadonlyMap<string, InputGrid>;
  /** Of inputs whose integers neither `inputs` nor the file says; without, they are refused. */
  readonly otherwise?: InputGrid;
}

export interface ExactLowering {
  readonly program: Program;
  /** In the program's order. */
  readonly inputs: readonly ExactInput[];
  readonly outputs: readonly ExactOutput[];
  /** Names of inputs that have the integers of `otherwise`. */
  readonly assumed: readonly string[];
  readonly warnings: readonly Diagnostic[];
}

/** What a node has come to: a tensor, or the class of some logits. */
type Result =
  | { readonly kind: "tensor"; readonly tensor: Tensor }
  | {
      readonly kind: "class";
      readonly index: Emitted;
      readonly logits: Tensor;
      /** The file's tensor that it was decided on. */
      readonly decided: Tensor;
    };

interface Run extends Lowering {
  readonly results: Map<string, Result>;
  readonly ports: Map<string, Port>;
  readonly options: ExactOptions;
}

/** An input whose first quantizer states its integers. */
interface Port {
  readonly key: string;
  readonly quantizer: string;
  readonly tensor: Tensor;
  readonly input: ExactInput;
}

/**
 * The integer program of a model that states its quantizers. Throws a DiagnosticError with everything that has no exact
 * integers, or is beyond a limit of the program.
 */
export function lowerImported(model: ImportedModel, options: ExactOptions = {}): ExactLowering {
  const { inputs, otherwise } = options;
  const unstated = new Set<string>();
  try {
    return { ...loweredBy(model, options, unstated), assumed: [] };
  } catch (error) {
    if (!otherwise || unstated.size === 0) throw error;
  }
  const assumed = [...unstated];
  const all = new Map([...(inputs ?? []), ...assumed.map((name) => [name, otherwise] as const)]);
  return { ...loweredBy(model, { inputs: all }, new Set()), assumed };
}

/** One try; inputs of unknown integers are kept in `unstated`. */
function loweredBy(
  model: ImportedModel,
  options: ExactOptions,
  unstated: Set<string>,
): Omit<ExactLowering, "assumed"> {
  const run: Run = {
    model,
    builder: createProgramBuilder(model.name),
    collector: createCollector(),
    name: createNames(model),
    results: new Map(),
    ports: new Map(),
    options,
    unstated,
  };
  const stated: ExactInput[] = [];
  for (const node of model.nodes) {
    const found = attempt(run, () => lowerNode(node, run, stated)) ?? assumedOf(node, run);
    if (found) run.results.set(node.name, found);
  }
  const outputs = model.outputs.flatMap(({ name, node }) => {
    const result = run.results.get(node);
    if (!result || isLogitsOf(model, name, result, run)) return [];
    return attempt(run, () => addOutput(name, nodeOf(model, node), result, run)) ?? [];
  });
  for (const node of model.nodes)
    if (node.kind === "input" && !run.collector.hasErrors() && !stated.some(({ name }) => name === node.name))
      attempt(run, () => {
        if (!run.ports.has(node.name)) refuseInput(node, node, null, run);
      });
  run.collector.throwIfErrors();
  const inputs = [...stated, ...[...run.ports.values()].map((port) => port.input)];
  const ordered = inFileOrder(run.builder.build(), model);
  return { ...withInputOrder(ordered, inputs, model), outputs, warnings: run.collector.diagnostics };
}

/**
 * What a quantizer gives, where it or something before it is refused: those behind it are looked at as well. Anything else that
 * is refused makes nothing, and who reads it has no message of its own.
 */
function assumedOf(node: ImportedNode, run: Run): Result | null {
  if (!run.collector.hasErrors()) return null;
  try {
    const levels = levelsOf(node);
    if (!levels) return null;
    checkWidth(levels, node);
    const emitted = emittedAs(run.name(node.name, "assumed"), node.shape, formatOfLevels(levels));
    run.builder.input({ name: emitted.name, shape: emitted.shape, format: emitted.format });
    return { kind: "tensor", tensor: settledTensor(node, { emitted, grid: levels.grid }) };
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return null;
  }
}

/** The levels that a node states; null of what is no quantizer. */
function levelsOf(node: ImportedNode): Levels | null {
  switch (node.kind) {
    case "quantize":
      checkQuantizer(node, node.quantizer, node.shape.at(-1)!);
      return quantizerLevels(node.quantizer);
    case "multithreshold":
      return multiThresholdLevels(node);
    case "sign":
      return signLevels([ONE]);
    case "step":
      return stepLevels();
    default:
      return null;
  }
}

/** Whether an output is called as the logits of a class are, and is what that class is decided on: it comes with the class. */
function isLogitsOf(model: ImportedModel, name: string, result: Result, { results }: Run): boolean {
  return model.outputs.some((other) => {
    const found = results.get(other.node);
    if (found?.kind !== "class" || name !== `${other.name}.logits` || result.kind !== "tensor") return false;
    return found.decided === result.tensor;
  });
}

/** What `make` gives; null where it refuses, which is kept. */
function attempt<T>({ collector }: Lowering, make: () => T): T | null {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    for (const diagnostic of error.diagnostics) collector.push(diagnostic);
    return null;
  }
}

function createNames(model: ImportedModel): Lowering["name"] {
  const nodes = new Set(model.nodes.map((node) => node.name));
  const taken = new Set<string>();
  return (base, suffix) => {
    let name = suffix === undefined ? base : `${base}.${suffix}`;
    while (taken.has(name) || (suffix !== undefined && nodes.has(name))) name += "'";
    taken.add(name);
    return name;
  };
}

function nodeOf({ nodes }: ImportedModel, name: string): ImportedNode {
  const found = nodes.find((node) => node.name === name);
  compilerAssert(found, `exact: the model has no node ${name}`);
  return found;
}

function lowerNode(node: ImportedNode, run: Run, stated: ExactInput[]): Result | null {
  const done = (tensor: Tensor): Result => ({ kind: "tensor", tensor });
  if (node.kind === "input") return done(inputTensor(node, run, stated));
  const operands = operandsOf(node, run);
  if (!operands) return null;
  const [input] = operands;
  switch (node.kind) {
    case "norm":
      return done(stepped(input!, normStep(node), node, run));
    case "affine": {
      const exact = (values: Float64Array) => Array.from(values, rationalOf);
      const { divisor } = node;
      const gain = divisor ? exact(divisor).map((by) => over(ONE, by)) : exact(node.gain);
      return done(stepped(input!, affine(gain, exact(node.offset)), node, run));
    }
    case "quantize":
    case "multithreshold":
    case "sign":
    case "step":
      return done(quantize(input!, levelsOf(node)!, node, run));
    case "trunc": {
      const { tensor, levels } = truncOf(input!, node, run);
      return done(quantize(tensor, levels, node, run));
    }
    case "lookup":
      return done(lookupTensor(input!, node, run));
    case "select":
      return done(moved(input!, moveOf(node, input!.shape), run));
    case "dense":
    case "conv": {
      const constants = run.model.constants.get(node.name);
      compilerAssert(constants, `exact: ${node.name} has no constants`);
      const value = settled(input!, node, run);
      return done(
        node.kind === "dense" ? denseTensor(node, constants, value) : convTensor(node, constants, value, run),
      );
    }
    case "pool":
      if (node.pooling === "average") return done(averageTensor(node, settled(input!, node, run), run));
      return done(moved(input!, moveOf(node, input!.shape), run));
    case "reshape":
    case "flatten":
    case "slice":
    case "transpose":
    case "upsample":
    case "pad":
      return done(moved(input!, moveOf(node, input!.shape), run));
    case "add":
    case "subtract":
      return done(sumTensor(node, [operands[0]!, operands[1]!], run));
    case "multiply":
      return done(productTensor(node, [operands[0]!, operands[1]!], run));
    case "concat":
      return done(concatTensor(node, operands, run));
    case "argmax":
      return { kind: "class", ...classOf(node, input!, run), decided: input! };
    default: {
      const steps = stepsOf(node);
      if (!steps?.every((step) => canFollow(input!.chain, step)))
        return refuse(node, "import/exact-no-operator", { node: describeNode(node) });
      return done(steps.reduce((tensor, step) => stepped(tensor, step, node, run), input!));
    }
  }
}

/** Tensors that a node reads; null where one of them was refused. */
function operandsOf(node: Exclude<ImportedNode, ImportedInput>, { results }: Run): readonly Tensor[] | null {
  const names = "inputs" in node ? node.inputs : [node.input];
  const found = names.map((name) => results.get(name));
  if (found.includes(undefined)) return null;
  return found.map((result) => {
    if (result!.kind === "tensor") return result!.tensor;
    return refuse(node, "import/exact-unquantized", { node: describeNode(node), input: "a class index" });
  });
}

function inputTensor(node: ImportedInput, run: Run, stated: ExactInput[]): Tensor {
  const port = statedPort(node, run.options.inputs?.get(node.name), run);
  if (port) {
    stated.push(port.input);
    return port.tensor;
  }
  const chain = gridChain({ gain: [ONE], offset: [ZERO] });
  return { source: { kind: "port", node, shape: node.shape }, chain, moves: [], shape: node.shape };
}

/** A tensor with a step behind its chain. */
function stepped(tensor: Tensor, step: Step, node: ImportedNode, run: Run): Tensor {
  const { moves } = tensor;
  const isWide = step.kind === "affine" && step.gain.length + step.offset.length > 2;
  const isFalling =
    step.kind === "hardswish" || (step.kind === "affine" && step.gain.some((gain) => signOf(gain) < 0));
  if (isWide && step.kind === "affine") {
    const channels = node.shape.at(-1)!;
    for (const { length } of [step.gain, step.offset])
      compilerAssert(length === 1 || length === channels, `exact: ${node.name} has no constants by channel`);
  }
  // Waiting moves stand behind the chain: what they rearranged, or took the largest of, cannot be changed before them.
  const cannotWait =
    (isWide && moves.some((move) => !move.keepsChannels)) ||
    (isFalling && moves.some((move) => move.compares));
  const ready = cannotWait ? withoutMoves(tensor, node, run) : tensor;
  return { ...ready, chain: followedBy(ready.chain, step) };
}

function quantize(tensor: Tensor, levels: Levels, node: ImportedNode, run: Run): Tensor {
  const isWide = levels.channels > 1 && tensor.moves.some((move) => !move.keepsChannels);
  const { source, chain, moves } = isWide ? withoutMoves(tensor, node, run) : tensor;
  const start: Tensor = { source, chain, moves: [], shape: source.shape };
  if (source.kind !== "port")
    return settledTensor(node, movedSettled(quantized(start, levels, node, run), moves, run));
  const port = portOf(source.node, levels, chain, node, run);
  return moves.reduce((at, move) => moved(at, move, run), port.tensor);
}

/** The port of an input, which all of its quantizers share. */
function portOf(input: ImportedNode, levels: Levels, chain: Chain, node: ImportedNode, run: Run): Port {
  checkWidth(levels, node);
  checkPortChain(input, node, chain, run);
  const key = portKey(levels, chain);
  const known = run.ports.get(input.name);
  if (known && known.key !== key)
    refuse(node, "import/exact-input-grids", {
      input: input.name,
      first: known.quantizer,
      second: node.name,
    });
  if (known) return known;
  const port: Port = { key, quantizer: node.name, ...quantizedPort(input, levels, chain, run) };
  run.ports.set(input.name, port);
  return port;
}

/** An argmax output carries its logits beside it. */
function addOutput(name: string, node: ImportedNode, result: Result, run: Run): readonly ExactOutput[] {
  const { builder } = run;
  if (result.kind === "tensor") {
    const { emitted, chain } = outputOf(node, name, result.tensor, run);
    builder.output(name, emitted.name, "value");
    return [{ name, value: emitted.name, role: "value", ...scaleOf(chain, emitted) }];
  }
  const { emitted, chain } = outputOf(node, name, result.logits, run);
  const logits = `${name}.logits`;
  builder.output(logits, emitted.name, "logits");
  builder.output(name, result.index.name, "class");
  return [
    { name: logits, value: emitted.name, role: "logits", ...scaleOf(chain, emitted) },
    {
      name,
      value: result.index.name,
      role: "class",
      scale: new Float64Array([1]),
      offset: new Float64Array(1),
    },
  ];
}
