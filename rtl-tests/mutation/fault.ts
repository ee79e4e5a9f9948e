// What is injected. A fault knows its place and makes the changed design; the gate has to find it.
import type { Design } from "../../compiler/verify/verify.ts";

/** Every kind, with what it stands for. Each is looked for in the Verilog and, where C has such a thing, in the C. */
export const KINDS = {
  "weight bit": "one bit of one weight in a memory image or array",
  bias: "one bit of a bias",
  "other constant": "one bit of a threshold, multiplier or table entry",
  shift: "a requantization shifts one bit too far or too little",
  "rounding constant": "the half that is added is one off, or missing",
  "saturation bound": "a bound of a requantization is one off, or missing",
  "sign extension": "a negative operand is taken for a positive one",
  "accumulator width - 1": "a sum has one bit less and wraps",
  "off-by-one address": "a memory, window or array is read one word too far",
  comparison: "a tie goes the other way",
  "lost stall": "a stage goes on although its receiver waits, or takes a word that it has no room for",
  "dropped tlast": "the last beat of a packet is not marked, or another one is",
  framing: "a packet that ends early or late is not dropped, or not reported",
  "stale line buffer": "a buffer is read before the word is there, or shows an older one",
  "missing reset": "a register keeps its value in reset, or a sum is not started anew",
} as const;

export type FaultKind = keyof typeof KINDS;

/** Kinds that a language has nothing for. */
export const NOT_IN: Readonly<Record<"rtl" | "c", readonly FaultKind[]>> = {
  rtl: [],
  // Functions are called one after the other: nothing stalls, no packet ends.
  c: ["lost stall", "dropped tlast", "framing"],
};

export interface Fault {
  /** The same in every run of the same design. */
  readonly id: string;
  readonly backend: "rtl" | "c";
  readonly kind: FaultKind;
  /** Instance or function, and what is changed there. */
  readonly place: string;
  readonly what: string;
  /** Program value that the place makes, where it makes one. */
  readonly value?: string;
  apply(design: Design): Design;
  /** Why no input at all can show it, by a check that a machine made; undefined when there is no such proof. */
  proveEquivalent(): Promise<string | undefined>;
}

/** Text of a design's file, which has to be there. */
export function textOf({ files }: Pick<Design, "files">, path: string): string {
  const content = files.get(path);
  if (content === undefined) throw new Error(`the design has no ${path}`);
  return typeof content === "string" ? content : new TextDecoder().decode(content);
}

export function withFile(design: Design, path: string, text: string): Design {
  return { ...design, files: new Map([...design.files, [path, text]]) };
}
