// What the C templates print: finished decisions as plain data, no text of the user's that has not been made legal.

/** A row of `static const` data. */
export interface ConstantPlan {
  readonly comment: string;
  readonly type: string;
  readonly name: string;
  readonly length: number;
  readonly bytes: number;
  /** Initialiser, one line of numbers each, without the last comma of all. */
  readonly lines: readonly string[];
}

/** One stage function: void name(const type *input, ..., resultType *y). */
export interface StagePlan {
  readonly name: string;
  readonly comment: readonly string[];
  /** The parameter list, in lines. */
  readonly parameters: string;
  /** The function's statements, rendered by the instruction's own template. */
  readonly body: string;
  readonly call: CallPlan;
}

/** A stage within the run function. */
export interface CallPlan {
  /** Expressions for the arrays. */
  readonly inputs: readonly string[];
  readonly y: string;
  readonly traceIndex: number;
  readonly elements: number;
}

/** A binary point, or one for each channel, as a macro definition. */
export interface FractionPlan {
  readonly many: boolean;
  readonly lines: readonly string[];
}

export interface ParameterPlan {
  readonly name: string;
  readonly macro: string;
  readonly type: string;
  readonly elements: number;
  /** Declaration in the prototype. */
  readonly declaration: string;
  /** Doxygen text, first line first. */
  readonly comment: readonly string[];
  /** Declaration and argument in the usage example. */
  readonly example: string;
  readonly argument: string;
  readonly fraction: FractionPlan;
  readonly isInput: boolean;
  readonly min: string;
  readonly max: string;
}

export interface MemberPlan {
  readonly declaration: string;
  readonly comment: string;
}

/** Copies an array that is asked for twice, or an input that is an output. */
export interface CopyPlan {
  readonly from: string;
  readonly to: string;
  readonly elements: number;
}

export interface ModelPlan {
  readonly title: string;
  readonly prefix: string;
  readonly upper: string;
  readonly version: string;
  readonly flashBytes: number;
  readonly ramBytes: number;
  readonly parameters: readonly ParameterPlan[];
  readonly members: readonly MemberPlan[];
  readonly includes: readonly string[];
  readonly constants: readonly ConstantPlan[];
  readonly stages: readonly StagePlan[];
  readonly copies: readonly CopyPlan[];
  /** Parameters that no stage reads. */
  readonly unused: readonly string[];
}

/** A file of kernels: fixed, or a template with its types. */
export type KernelPlan =
  | { readonly file: string; readonly kind: "fixed" }
  | {
      readonly file: string;
      readonly kind: "template";
      readonly template: string;
      readonly parameters: Readonly<Record<string, string>>;
    };
