// The model section: names, inputs, values and outputs. In: its syntax tree. Out: its layers from the inputs to the
// outputs, and a diagnostic for everything that does not fit.
import type { Span } from "../support/source-file.ts";
import type { ChainItem, ChainNode, InputItem, ModelNode, NameNode } from "./ast.ts";
import { checkChain, type Declaration, type Scope } from "./check-chain.ts";
import { type CheckedInput, checkInput } from "./check-inputs.ts";
import type { CheckContext } from "./read-fields.ts";
import { isActivation, isWeighted, type Signal } from "./signal.ts";

export interface CheckedOutput {
  readonly name: string;
  readonly signal: Signal;
}

export interface CheckedModel {
  readonly name: string;
  /** At least one. */
  readonly inputs: readonly CheckedInput[];
  /** What the outputs need, each behind all that it reads. */
  readonly layers: readonly Signal[];
  /** At least one. */
  readonly outputs: readonly CheckedOutput[];
}

/** Labels of a chain in the order of the text. */
function labelsOf(chain: ChainNode | undefined): (NameNode | undefined)[] {
  const { source } = chain ?? {};
  const before = source?.kind === "join" ? [source.label, ...source.operands.flatMap(labelsOf)] : [];
  return [...before, ...(chain?.stages ?? []).map(({ label }) => label)];
}

type DescribedItem = InputItem | ChainItem;

/** All names of the model in the order of the text; the second of two equal ones is an error. */
function declare(items: readonly DescribedItem[], context: CheckContext): Map<string, Declaration> {
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
  for (const item of items) {
    add(item.kind, item.name);
    if (item.kind !== "input") for (const label of labelsOf(item.chain)) add("stage", label);
  }
  return declarations;
}

/** All that a value is made of, itself included. */
function ancestorsOf(signals: readonly Signal[]): Set<Signal> {
  const found = new Set(signals);
  for (const at of found) for (const input of at.inputs) found.add(input);
  return found;
}

/** The values that an output compares or shows: below an argmax, what it takes the largest of. */
export const scoresOf = ({ signal }: CheckedOutput): Signal =>
  signal.kind === "argmax" ? signal.inputs[0]! : signal;

/** Whether an output is made as the rules say: of some layer with weights, and at its end no activation. */
function checkOutput(output: CheckedOutput, span: Span, context: CheckContext): boolean {
  if (![...ancestorsOf([output.signal])].some(isWeighted)) {
    context.collector.add("language/no-dense", {}, { span });
    return false;
  }
  const scores = scoresOf(output);
  if (!isActivation(scores) && scores.kind !== "batchnorm") return true;
  const related = [{ message: `the ${scores.word}`, span: scores.span }];
  context.collector.add("language/output-not-dense", { kind: scores.word }, { span, related });
  return false;
}

/** Reports values that nothing uses; they are left out. */
function checkUse({ declarations, used, context }: Scope): void {
  for (const [name, { what, span }] of declarations) {
    if (what !== "binding" || used.has(name) || context.partial) continue;
    context.collector.add("language/unused-value", { name }, { span });
  }
}

/** Checks the model. Undefined when errors hide an input or an output. */
export function checkModel(model: ModelNode, context: CheckContext): CheckedModel | undefined {
  const items = model.items.filter((item): item is DescribedItem => item.kind !== "layer");
  const declarations = declare(items, context);
  const scope: Scope = {
    context,
    declarations,
    values: new Map(),
    used: new Set(),
    madeNames: new Map(),
    layers: [],
  };
  const named = items.filter((item) => item.name !== undefined);
  for (const what of ["input", "output"] as const) {
    const none = !named.some((item) => item.kind === what);
    if (none && !context.partial) context.collector.add(`language/no-${what}`, {}, { span: model.span });
  }

  const inputs: CheckedInput[] = [];
  const outputs: CheckedOutput[] = [];
  let complete = model.name !== undefined;
  for (const item of items) {
    let signal: Signal | undefined;
    if (item.kind === "input") {
      const input = checkInput(item, context);
      if (input) inputs.push(input);
      signal = input;
    } else signal = checkChain(item.chain, item, scope);
    if (item.kind !== "binding" && !signal) complete = false;
    if (item.kind === "output" && item.name && signal) {
      const output = { name: item.name.text, signal };
      if (checkOutput(output, item.name.span, context)) outputs.push(output);
      else complete = false;
    }
    if (item.name && !scope.values.has(item.name.text)) scope.values.set(item.name.text, signal);
  }
  checkUse(scope);
  if (!complete || inputs.length === 0 || outputs.length === 0) return undefined;
  const needed = ancestorsOf(outputs.map(({ signal }) => signal));
  for (const input of inputs) {
    if (needed.has(input)) continue;
    context.collector.add("language/unused-input", { name: input.name }, { span: input.span });
  }
  const layers = scope.layers.filter((layer) => needed.has(layer));
  const read = inputs.filter((input) => needed.has(input));
  return { name: model.name!.text, inputs: read, layers, outputs };
}
