// The model section: names, shapes, the order of stages. In: its syntax tree. Out: its layers from the input to
// the output, and a diagnostic for everything that does not fit.
import type { StoredType } from "../graph/graph.ts";
import type { Span } from "../support/source-file.ts";
import type { ChainItem, ChainNode, InputItem, ModelNode, NameNode, StageNode } from "./ast.ts";
import { type CheckContext, type Fields, numberReader, readFields, type Signature } from "./read-fields.ts";
import { ACTIVATIONS, type Signal, type StageKind } from "./signal.ts";
import { nearestWord } from "./spelling.ts";
import { MAX_ELEMENTS, STAGES } from "./stages.ts";

export interface CheckedInput extends Signal {
  readonly kind: "input";
  readonly stored: StoredType;
}

export interface CheckedModel {
  readonly name: string;
  readonly input: CheckedInput;
  /** From the first stage to the output's, each fed by the one before. */
  readonly layers: readonly Signal[];
  readonly output: { readonly name: string; readonly signal: Signal };
}

/** What a name in the model stands for. */
interface Declaration {
  readonly what: "input" | "binding" | "output" | "stage";
  readonly span: Span;
}

interface Scope {
  readonly context: CheckContext;
  readonly declarations: ReadonlyMap<string, Declaration>;
  /** Values defined so far; undefined when an error hides what they are. */
  readonly values: Map<string, Signal | undefined>;
  readonly used: Set<string>;
  /** How many layers without a label have asked for each made-up name. */
  readonly madeNames: Map<string, number>;
}

/** All names of the model in the order of the text; the second of two equal ones is an error. */
function declare(model: ModelNode, context: CheckContext): Map<string, Declaration> {
  const declarations = new Map<string, Declaration>();
  const add = (what: Declaration["what"], name: NameNode | undefined): void => {
    if (!name) return;
    const first = declarations.get(name.text);
    if (!first) declarations.set(name.text, { what, span: name.span });
    else {
      const related = [{ message: "first defined here", span: first.span }];
      context.collector.add("language/duplicate-name", { name: name.text }, { span: name.span, related });
    }
  };
  for (const item of model.items) {
    add(item.kind, item.name);
    if (item.kind !== "input") for (const stage of item.chain?.stages ?? []) add("stage", stage.label);
  }
  return declarations;
}

const inputOptions = {
  fields: { fraction: numberReader({ min: -64, max: 64, whole: true, example: "{ fraction: 8 }" }) },
  form: "{ fraction: 8 }",
} as const satisfies Signature<Fields>;

function checkShape(item: InputItem, context: CheckContext): readonly number[] | undefined {
  const { shape } = item;
  if (!shape) return undefined;
  const text = shape.sizes.join("x");
  const place = { span: shape.span };
  if (shape.sizes.some((size) => !Number.isInteger(size) || size < 1)) {
    context.collector.add("language/bad-size", { shape: text }, place);
    return undefined;
  }
  const elements = shape.sizes.reduce((a, b) => a * b, 1);
  if (elements <= MAX_ELEMENTS && shape.sizes.length <= MAX_RANK) return shape.sizes;
  const limits = { limit: MAX_ELEMENTS, rank: MAX_RANK };
  context.collector.add("language/shape-too-large", { shape: text, elements, ...limits }, place);
  return undefined;
}

const MAX_RANK = 4;
const MAX_STORED_WIDTH = 16;

function checkStored(item: InputItem, context: CheckContext): StoredType | undefined {
  const { values } = readFields(item.options, inputOptions, "input", item.span, context);
  if (!item.type) return undefined;
  const [, kind, digits] = /^([us])(\d{1,3})$/.exec(item.type.text) ?? [];
  const width = Number(digits);
  const signed = kind === "s";
  if (kind === undefined || width < (signed ? 2 : 1) || width > MAX_STORED_WIDTH) {
    context.collector.add("language/bad-type", { type: item.type.text }, { span: item.type.span });
    return undefined;
  }
  return { signed, width, fraction: values.fraction ?? (signed ? width - 1 : width) };
}

function checkInput(item: InputItem, context: CheckContext): CheckedInput | undefined {
  const shape = checkShape(item, context);
  const stored = checkStored(item, context);
  if (!item.name || !shape || !stored) return undefined;
  return { kind: "input", name: item.name.text, named: true, shape, stored, span: item.name.span };
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

/** Stages that belong to the dense before them. */
const ATTACHED: readonly StageKind[] = ["batchnorm", ...ACTIVATIONS];

/** A name for a stage without a label: of the dense that it belongs to, else of the value; made unique. */
function stageName(kind: StageKind, input: Signal, item: ChainItem, scope: Scope): string {
  const before = input.kind === "batchnorm" ? (input.input ?? input) : input;
  const owner = ATTACHED.includes(kind) && before.named ? before.name : (item.name?.text ?? item.kind);
  const base = `${owner}.${kind}`;
  let name: string;
  do {
    const taken = scope.madeNames.get(base) ?? 0;
    scope.madeNames.set(base, taken + 1);
    name = taken === 0 ? base : `${base}${taken + 1}`;
  } while (scope.declarations.has(name));
  return name;
}

function checkStage(
  input: Signal | undefined,
  stage: StageNode,
  item: ChainItem,
  scope: Scope,
): Signal | undefined {
  const { context } = scope;
  const operation = stage.operation;
  if (!operation) return undefined;
  const rule = STAGES.get(operation.text as StageKind);
  if (!rule) {
    const known = [...STAGES.keys()];
    const parameters = { stage: operation.text, known, nearest: nearestWord(operation.text, known) };
    context.collector.add("language/unknown-stage", parameters, { span: operation.span });
    return undefined;
  }
  const kind = operation.text as StageKind;
  if (input?.kind === "argmax") {
    const related = [{ message: "the argmax", span: input.span }];
    context.collector.add("language/after-argmax", { operation: kind }, { span: operation.span, related });
    input = undefined;
  }
  const result = rule.check(input, stage, context);
  if (result === "input") return input;
  if (!result || !input || !stage.complete) return undefined;
  const name = stage.label?.text ?? stageName(kind, input, item, scope);
  const span = stage.label?.span ?? operation.span;
  return { kind, name, named: stage.label !== undefined, input, span, ...result };
}

function checkChain(chain: ChainNode | undefined, item: ChainItem, scope: Scope): Signal | undefined {
  let signal = chain?.source && lookUp(chain.source, scope);
  for (const stage of chain?.stages ?? []) signal = checkStage(signal, stage, item, scope);
  return chain?.complete ? signal : undefined;
}

/** Layers from the first stage to the signal; the input is not among them. */
function layersTo(signal: Signal): Signal[] {
  const layers: Signal[] = [];
  for (let at: Signal | undefined = signal; at?.input; at = at.input) layers.unshift(at);
  return layers;
}

/** The rules for what an output is made of: a last dense, whose results are the scores, and perhaps argmax. */
function checkOutput(signal: Signal, span: Span, context: CheckContext): void {
  const layers = layersTo(signal);
  if (!layers.some((layer) => layer.kind === "dense")) {
    context.collector.add("language/no-dense", {}, { span });
    return;
  }
  const scores = signal.kind === "argmax" ? signal.input! : signal;
  if (scores.kind !== "dense") {
    const related = [{ message: `the ${scores.kind}`, span: scores.span }];
    context.collector.add("language/output-not-dense", { kind: scores.kind }, { span, related });
  }
}

/** Reports the second and later of what there may be only one of, and the lack of it. */
function onlyOne<T extends { readonly span: Span; readonly name?: NameNode }>(
  what: "input" | "output",
  items: readonly T[],
  model: ModelNode,
  context: CheckContext,
): void {
  const [first, ...more] = items;
  if (!first && !context.partial) context.collector.add(`language/no-${what}`, {}, { span: model.span });
  for (const item of more) {
    const related = [{ message: `the first ${what}`, span: first!.name?.span ?? first!.span }];
    context.collector.add(`language/several-${what}s`, {}, { span: item.name?.span ?? item.span, related });
  }
}

/** Checks the model. Undefined when errors hide its input or its output. */
export function checkModel(model: ModelNode, context: CheckContext): CheckedModel | undefined {
  const declarations = declare(model, context);
  const scope: Scope = { context, declarations, values: new Map(), used: new Set(), madeNames: new Map() };
  const named = model.items.filter((item) => item.name !== undefined);
  const inputs = named.filter((item) => item.kind === "input");
  const outputs = named.filter((item) => item.kind === "output");
  onlyOne("input", inputs, model, context);
  onlyOne("output", outputs, model, context);

  let input: CheckedInput | undefined;
  let output: CheckedModel["output"] | undefined;
  for (const item of model.items) {
    const signal = item.kind === "input" ? checkInput(item, context) : checkChain(item.chain, item, scope);
    if (item.kind === "input") input ??= signal as CheckedInput | undefined;
    if (item.kind === "output" && item.name && signal) {
      checkOutput(signal, item.name.span, context);
      output ??= { name: item.name.text, signal };
    }
    if (item.name && !scope.values.has(item.name.text)) scope.values.set(item.name.text, signal);
  }
  for (const [name, { what, span }] of declarations) {
    if (what !== "binding" || scope.used.has(name) || context.partial) continue;
    context.collector.add("language/unused-value", { name }, { span });
  }
  if (!model.name || !input || !output) return undefined;
  return { name: model.name.text, input, layers: layersTo(output.signal), output };
}
