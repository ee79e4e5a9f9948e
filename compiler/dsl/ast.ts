// The syntax tree of a file, with the place of every part. What could not be read is absent (undefined).
import type { Span } from "../support/source-file.ts";

export interface NameNode {
  readonly text: string;
  readonly span: Span;
}

/** A number with or without a unit, as written: `100 MHz`, `5000`. */
export interface QuantityNode {
  readonly kind: "quantity";
  readonly number: number;
  readonly unit?: string;
  readonly span: Span;
}

/** A range of whole numbers with or without a unit: `2..4 bits`. Both ends are included. */
export interface RangeNode {
  readonly kind: "range";
  readonly low: number;
  readonly high: number;
  readonly unit?: string;
  readonly span: Span;
}

/** Sizes as written; a single size is a quantity without a unit. */
export interface ShapeNode {
  readonly kind: "shape";
  readonly sizes: readonly number[];
  readonly span: Span;
}

export interface TextNode {
  readonly kind: "text";
  readonly text: string;
  readonly span: Span;
}

/** A word, with or without arguments: `both`, `budget(210 kbitops)`. */
export interface CallNode {
  readonly kind: "call";
  readonly name: NameNode;
  /** Absent when there are no parentheses. */
  readonly args?: readonly ArgumentNode[];
  readonly span: Span;
}

export interface ListNode {
  readonly kind: "list";
  readonly items: readonly ValueNode[];
  readonly span: Span;
}

/** Values by the names of inputs and outputs: `{ image: npy("images.npy") }`. */
export interface BlockNode {
  readonly kind: "block";
  readonly settings: readonly SettingNode[];
  readonly span: Span;
}

export type ValueNode = QuantityNode | RangeNode | ShapeNode | TextNode | CallNode | ListNode | BlockNode;

/** `key: value`, or a positional argument without a key. */
export interface ArgumentNode {
  readonly key?: NameNode;
  readonly value?: ValueNode;
  readonly span: Span;
}

export interface SettingNode {
  readonly key: NameNode;
  readonly value?: ValueNode;
  readonly span: Span;
}

export interface StageNode {
  readonly label?: NameNode;
  readonly operation?: NameNode;
  readonly args?: readonly ArgumentNode[];
  readonly options: readonly SettingNode[];
  /** False when a part was lost to a syntax error: what it makes is then unknown. */
  readonly complete: boolean;
  readonly span: Span;
}

/** `add(left, right)`: several values become one. An operand is a chain of its own. */
export interface JoinNode {
  readonly kind: "join";
  readonly label?: NameNode;
  readonly operation?: NameNode;
  readonly operands: readonly ChainNode[];
  readonly args: readonly ArgumentNode[];
  readonly options: readonly SettingNode[];
  /** False when a part was lost to a syntax error. */
  readonly complete: boolean;
  readonly span: Span;
}

export interface NamedSource extends NameNode {
  readonly kind: "name";
}

export interface ChainNode {
  readonly source?: NamedSource | JoinNode;
  readonly stages: readonly StageNode[];
  readonly complete: boolean;
}

export interface InputItem {
  readonly kind: "input";
  readonly name?: NameNode;
  readonly shape?: ShapeNode;
  readonly type?: NameNode;
  readonly options: readonly SettingNode[];
  readonly span: Span;
}

/** A named value, or an output. */
export interface ChainItem {
  readonly kind: "binding" | "output";
  readonly name?: NameNode;
  readonly chain?: ChainNode;
  readonly span: Span;
}

/** Options of a layer that a file describes. */
export interface LayerItem {
  readonly kind: "layer";
  readonly name?: NameNode;
  readonly options: readonly SettingNode[];
  readonly span: Span;
}

export type ModelItem = InputItem | ChainItem | LayerItem;

export interface ModelNode {
  readonly name?: NameNode;
  /** The file that it comes from. */
  readonly from?: NameNode;
  readonly items: readonly ModelItem[];
  /** The word `model`. */
  readonly span: Span;
}

export interface SectionNode {
  readonly name: NameNode;
  readonly settings: readonly SettingNode[];
}

export interface FileNode {
  readonly version?: QuantityNode;
  readonly models: readonly ModelNode[];
  readonly sections: readonly SectionNode[];
  /** Where something that is missing from the whole file is reported: just behind its last character. */
  readonly end: Span;
}
