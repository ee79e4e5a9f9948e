// What the parts of exact lowering share: a tensor of the file on its way to integers, the program that grows, and how
// a refusal is made.
import type { ImportedModel, ImportedNode } from "../../graph/imported.ts";
import type { ProgramBuilder } from "../../program/builder.ts";
import type { Format } from "../../program/program.ts";
import { type DiagnosticCollector, fail } from "../../support/diagnostics.ts";
import type { Range } from "../../support/fixed-point.ts";
import type { MessageCode, MessageParameters } from "../../support/messages.ts";
import type { Chain, Grid } from "./chain.ts";
import type { Source } from "./sources.ts";

/** A value of the program. */
export interface Emitted {
  readonly name: string;
  readonly shape: readonly number[];
  readonly format: Format;
  /** Proved ranges of the integers that arithmetic sees (-1 and +1 of bits): one, or one for each channel. */
  readonly ranges: readonly Range[];
}

/** Rearranges elements, or keeps the largest of some: what may wait until its tensor is quantized. */
export interface Move {
  readonly node: ImportedNode;
  /** Shape of the result. */
  readonly shape: readonly number[];
  /** Whether the result's channels are those of what it moves. */
  readonly keepsChannels: boolean;
  /** Whether it compares: integers must rise with their values. */
  readonly compares: boolean;
}

/** A tensor of the file: integers, what makes real numbers of them, and moves that still wait behind that. */
export interface Tensor {
  readonly source: Source;
  readonly chain: Chain;
  readonly moves: readonly Move[];
  readonly shape: readonly number[];
}

/** A tensor whose integers are a value of the program, with nothing that waits. */
export interface Settled {
  readonly emitted: Emitted;
  readonly grid: Grid;
}

/** One model on its way to a program. */
export interface Lowering {
  readonly model: ImportedModel;
  readonly builder: ProgramBuilder;
  readonly collector: DiagnosticCollector;
  /** A name that no value has: `base`, or `base.suffix`. */
  name(base: string, suffix?: string): string;
  /** Inputs that were refused since nothing says which integers they have. */
  readonly unstated: Set<string>;
}

/** Refuses a node: throws a DiagnosticError at its place in the file. */
export function refuse<C extends MessageCode>(
  node: ImportedNode,
  code: C,
  parameters: MessageParameters<C>,
): never {
  return fail(code, parameters, { file: node.origin.file });
}

/** The layer that instructions of a node belong to. */
export function layerOf(node: ImportedNode): string {
  return node.layer ?? node.name;
}

/** Refuses an input whose integers are not known where `reader` reads it; null: an output does. */
export function refuseInput(
  node: ImportedNode,
  input: ImportedNode,
  reader: ImportedNode | null,
  { unstated }: Lowering,
): never {
  unstated.add(input.name);
  return refuse(node, "import/exact-input", { input: input.name, reader: reader?.name ?? null });
}

/** What messages call a node. */
export function describeNode(node: ImportedNode): string {
  return `${node.kind} ${JSON.stringify(node.name)}`;
}
