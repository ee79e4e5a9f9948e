// The plan of a top module while it grows: sections, wires, instances, taps, all names made on the way.
import { type Format, isSigned, type Program, type Value, widthOf } from "../program/program.ts";
import { tracedValues } from "../program/trace.ts";
import { type MemoryStyle, romStyle } from "../schedule/folding.ts";
import type { StorageStage } from "../schedule/stages.ts";
import { compilerAssert } from "../support/assert.ts";
import { commentText } from "../support/comment-text.ts";
import { memoryText } from "./memory-files.ts";
import { legalStem, type NameSpace } from "./names.ts";
import type { Binding, InstancePlan, TapPlan, WirePlan } from "./plan.ts";

/** An instance with the figures that the manifest gives of it. */
export interface PlacedStage {
  readonly instance: string;
  readonly module: string;
  readonly layer: string;
  readonly op: string;
  readonly pe: number;
  readonly simd: number;
  readonly cycles: number;
  /** Elements that its memories have room for, where it stores a stream. */
  readonly storedElements?: number;
}

const STREAM_SUFFIXES = ["_data", "_valid", "_ready"];
export interface Draft {
  readonly program: Program;
  readonly names: NameSpace;
  readonly files: NameSpace;
  readonly sections: { banner: string[]; wires: WirePlan[]; instances: InstancePlan[] }[];
  readonly placed: PlacedStage[];
  readonly taps: TapPlan[];
  readonly memories: Map<string, string>;
}

/** A stream that leaves a stage. */
export interface Stream {
  readonly stem: string;
  readonly lanes: number;
  readonly width: number;
  /** Wire that marks the last word of a broken packet, before the first window. */
  readonly drop: string | null;
  /** Wire that says of each tap of a window whether it is an element of the image. */
  readonly inside?: string;
}

/** Pads the ranges of a group of wires to one column. */
export function aligned(wires: readonly WirePlan[]): readonly WirePlan[] {
  const width = Math.max(0, ...wires.map((w) => w.range.length));
  return wires.map(({ name, range }) => ({ name, range: width === 0 ? "" : `${range.padStart(width)} ` }));
}

function alignedBindings(bindings: readonly Binding[]): readonly Binding[] {
  const width = Math.max(...bindings.map((b) => b.name.length));
  return bindings.map(({ name, value }) => ({ name: name.padEnd(width), value }));
}

function bindings(pairs: Readonly<Record<string, string | number>>): readonly Binding[] {
  return alignedBindings(Object.entries(pairs).map(([name, value]) => ({ name, value: `${value}` })));
}

export function section(draft: Draft, ...banner: string[]): void {
  draft.sections.push({ banner, wires: [], instances: [] });
}

const current = (draft: Draft) => draft.sections[draft.sections.length - 1]!;

export function wire(draft: Draft, name: string, bits: number | null): void {
  current(draft).wires.push({ name, range: bits === null ? "" : `[${bits - 1}:0]` });
}

/** Declares the wires of a stream. */
export function stream(draft: Draft, wanted: string, lanes: number, width: number): Stream {
  const stem = draft.names.take(wanted, STREAM_SUFFIXES);
  wire(draft, `${stem}_data`, lanes * width);
  wire(draft, `${stem}_valid`, null);
  wire(draft, `${stem}_ready`, null);
  return { stem, lanes, width, drop: null };
}

export function place(
  draft: Draft,
  module: string,
  wanted: string,
  parameters: Readonly<Record<string, string | number>>,
  ports: Readonly<Record<string, string | number>>,
  entry: Omit<PlacedStage, "instance" | "module"> | null,
): string {
  const instance = draft.names.take(wanted);
  const plan = { module, instance, parameters: bindings(parameters), ports: bindings(ports) };
  current(draft).instances.push(plan);
  if (entry) draft.placed.push({ instance, module, ...entry });
  return instance;
}

export const CLOCK = { aclk: "aclk", aresetn: "aresetn" };
/** Connections of a module's port of a stream, by the port's first letter. */
export const connected = (letter: string, { stem }: Stream): Readonly<Record<string, string>> => ({
  [`${letter}_data`]: `${stem}_data`,
  [`${letter}_valid`]: `${stem}_valid`,
  [`${letter}_ready`]: `${stem}_ready`,
});
export const sink = (stream: Stream) => connected("s", stream);
export const source = (stream: Stream) => connected("m", stream);
export const flag = (condition: boolean): number => (condition ? 1 : 0);

/** For a banner: "u8", "s12", "b1" for bipolar. */
export function formatText({ format }: Value): string {
  return `${format.kind === "bipolar" ? "b" : format.signed ? "s" : "u"}${widthOf(format)}`;
}

/** The fixed modules' code of what an operand is: unsigned, two's complement, bipolar. */
export function kindCode(format: Format): number {
  return format.kind === "bipolar" ? 2 : flag(format.signed);
}

/** The parameter of a module that stores a stream, where its memory is to be of a kind. */
export function ramStyle({ storage }: StorageStage): { readonly RAM_STYLE?: string } {
  return storage === undefined || storage === "auto" ? {} : { RAM_STYLE: `"${storage}"` };
}

/** Name of a layer's only memory image of a kind. */
export function imageName(draft: Draft, stem: string, kind: string): string {
  const suffix = `_${kind}.mem`;
  return `${draft.files.take(stem, [suffix])}${suffix}`;
}

/** Adds a memory image; gives its bare name in quotes and the style of memory that is wished or suits its size. */
export function memory(
  draft: Draft,
  file: string,
  what: string,
  words: readonly string[],
  wordBits: number,
  wished: MemoryStyle = "auto",
): { readonly file: string; readonly style: string } {
  draft.memories.set(file, memoryText([what], words));
  const style = wished === "auto" ? romStyle(words.length, wordBits) : wished;
  return { file: `"${file}"`, style: `"${style}"` };
}

export const layerStem = (layer: string): string => legalStem(layer, "layer");
/** For a banner: "1 beat", "3 lanes". */
export const countText = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

export function tap(draft: Draft, value: Value, { stem, lanes, width }: Stream, words: number): void {
  const traced = tracedValues(draft.program).find((t) => t.value.name === value.name);
  compilerAssert(traced, `value ${value.name} is traced`);
  draft.taps.push({
    index: traced.index,
    comment: `Tap ${traced.index}, ${commentText(value.name)}: ${traced.kind} of layer ${commentText(traced.layer)}`,
    instance: draft.names.take(`tap_${traced.index}`),
    stream: stem,
    elements: traced.elements,
    lanes,
    width,
    signed: `${flag(isSigned(value.format))}`,
    words,
  });
}
