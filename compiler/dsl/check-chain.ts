// Chains of stages and joins. In: the syntax tree of one and the names known so far. Out: the value that it makes, and a
// diagnostic for everything that does not fit.
import type { Operator } from "../graph/graph.ts";
import { inferShape } from "../graph/shapes.ts";
import { createDiagnostic } from "../support/diagnostics.ts";
import type { Span } from "../support/source-file.ts";
import type { ChainItem, ChainNode, JoinNode, NameNode, StageNode } from "./ast.ts";
import { JOINS } from "./joins.ts";
import type { CheckContext } from "./read-fields.ts";
import { ACTIVATIONS, type Signal } from "./signal.ts";
import { nearestWord } from "./spelling.ts";
import { readNoOptions, type StageResult } from "./stage-rule.ts";
import { STAGES } from "./stages.ts";

/** What a name in the model stands for. */
export interface Declaration {
  readonly what: "input" | "binding" | "output" | "stage";
  readonly span: Span;
}

export interface Scope {
  readonly context: CheckContext;
  readonly declarations: ReadonlyMap<string, Declaration>;
  /** Values defined so far; undefined when an error hides what they are. */
  readonly values: Map<string, Signal | undefined>;
  readonly used: Set<string>;
  /** How many layers without a label have asked for each made-up name. */
  readonly madeNames: Map<string, number>;
  /** Every layer, in the order in which they were made: inputs come before their users. */
  readonly layers: Signal[];
}

function lookUp(source: NameNode, scope: Scope): Signal | undefined {
  const { context, values, declarations } = scope;
  const name = source.text;
  const place = { span: source.span };
  scope.used.add(name);
  if (values.has(name)) return values.get(name);
  const declaration = declarations.get(name);
  if (declaration?.what === "stage") {
    const related = [{ message: "the stage", span: declaration.span }];
    context.collector.add("language/stage-as-value", { name }, { ...place, related });
  } else if (declaration) {
    const related = [{ message: "defined here", span: declaration.span }];
    context.collector.add("language/used-before-definition", { name }, { ...place, related });
  } else if (!context.possibleNames.has(name)) {
    // Nobody reads suggestions beyond the diagnostics that are shown.
    const known = context.collector.diagnostics.length < 200 ? [...values.keys()] : [];
    context.collector.add("language/unknown-name", { name, known, nearest: nearestWord(name, known) }, place);
  }
  return undefined;
}

/** Stages that belong to the layer before them. */
const ATTACHED: readonly string[] = ["batchnorm", ...ACTIVATIONS];

/** A name for a layer without a label: of the layer that it belongs to, else of the value; made unique. */
function layerName(word: string, inputs: readonly Signal[], item: ChainItem, scope: Scope): string {
  const input = inputs[0]!;
  const before = input.kind === "batchnorm" ? (input.inputs[0] ?? input) : input;
  const owner = ATTACHED.includes(word) && before.named ? before.name : (item.name?.text ?? item.kind);
  const base = `${owner}.${word}`;
  let name: string;
  do {
    const taken = scope.madeNames.get(base) ?? 0;
    scope.madeNames.set(base, taken + 1);
    name = taken === 0 ? base : `${base}${taken + 1}`;
  } while (scope.declarations.has(name));
  return name;
}

/** The shape of a layer's result; what the shape rules say is reported where the attribute is written. */
function resultShape(
  operator: Operator,
  inputs: readonly Signal[],
  operation: NameNode,
  places: ReadonlyMap<string, Span> | undefined,
  { collector }: CheckContext,
): readonly number[] | undefined {
  const shapes = inputs.map(({ shape }) => shape);
  const result = inferShape(operator, shapes, operation.text);
  if ("shape" in result) return result.shape;
  for (const { code, parameters, attribute } of result.problems) {
    const span = places?.get(attribute ?? "") ?? operation.span;
    collector.push(createDiagnostic(code, parameters as never, { span }));
  }
  return undefined;
}

function addLayer(
  operation: NameNode,
  label: NameNode | undefined,
  inputs: readonly Signal[],
  result: StageResult,
  item: ChainItem,
  scope: Scope,
): Signal | undefined {
  const { operator, shape: known, places, ...rest } = result;
  const shape = known ?? resultShape(operator, inputs, operation, places, scope.context);
  if (!shape) return undefined;
  const word = operation.text;
  const name = label?.text ?? layerName(word, inputs, item, scope);
  const span = label?.span ?? operation.span;
  const named = label !== undefined;
  const layer = { kind: operator.kind, word, name, named, shape, inputs, span, operator, ...rest };
  scope.layers.push(layer);
  return layer;
}

/** The value, unless it is a class index. */
function tensorOf(input: Signal | undefined, operation: NameNode, context: CheckContext): Signal | undefined {
  if (input?.kind !== "argmax") return input;
  const related = [{ message: "the argmax", span: input.span }];
  const place = { span: operation.span, related };
  context.collector.add("language/after-argmax", { operation: operation.text }, place);
  return undefined;
}

function checkStage(
  before: Signal | undefined,
  stage: StageNode,
  item: ChainItem,
  scope: Scope,
): Signal | undefined {
  const { context } = scope;
  const { operation } = stage;
  if (!operation) return undefined;
  const { text: word, span } = operation;
  const rule = STAGES.get(word);
  if (!rule) {
    const known = [...STAGES.keys()];
    if (JOINS.has(word)) context.collector.add("language/join-as-stage", { word }, { span });
    else {
      const parameters = { stage: word, known, nearest: nearestWord(word, known) };
      context.collector.add("language/unknown-stage", parameters, { span });
    }
    return undefined;
  }
  const input = tensorOf(before, operation, context);
  const result = rule.check(input, stage, context);
  if (result === "input") return input;
  if (!result || !input || !stage.complete) return undefined;
  return addLayer(operation, stage.label, [input], result, item, scope);
}

function checkJoin(join: JoinNode, item: ChainItem, scope: Scope): Signal | undefined {
  const { context } = scope;
  const { operation } = join;
  const signals = join.operands.map((operand) => checkChain(operand, item, scope));
  if (!operation) return undefined;
  const { text: word, span } = operation;
  const rule = JOINS.get(word);
  if (!rule) {
    const known = [...JOINS.keys()];
    if (STAGES.has(word)) context.collector.add("language/stage-as-join", { word }, { span });
    else {
      const parameters = { word, known, nearest: nearestWord(word, known) };
      context.collector.add("language/unknown-join", parameters, { span });
    }
    return undefined;
  }
  const inputs = signals.map((signal) => tensorOf(signal, operation, context));
  const known = inputs.every((input) => input !== undefined) ? inputs : undefined;
  const operator = rule.check(known, join, span, context);
  readNoOptions(word, join, context);
  if (!join.complete || !known) return undefined;
  if (known.length === 0) {
    const parameters = { operation: word, found: 0, wanted: "two" };
    if (!context.partial) context.collector.add("graph/operand-count", parameters, { span });
    return undefined;
  }
  return operator && addLayer(operation, join.label, known, { operator }, item, scope);
}

/** The value of a chain; undefined when an error hides it. */
export function checkChain(chain: ChainNode | undefined, item: ChainItem, scope: Scope): Signal | undefined {
  const source = chain?.source;
  let signal = source && (source.kind === "join" ? checkJoin(source, item, scope) : lookUp(source, scope));
  for (const stage of chain?.stages ?? []) signal = checkStage(signal, stage, item, scope);
  return chain?.complete ? signal : undefined;
}
