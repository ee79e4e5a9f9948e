// What the plans of convolutions share. In: a layer. Out: its formats and window, the call that collects what the
// kernel sees.
import type { Constant } from "../program/program.ts";
import type { Range } from "../support/fixed-point.ts";
import type { ConstantPlan } from "./plan.ts";
import type { StageContext } from "./stage-parts.ts";
import type { CType } from "./types.ts";
import { type Window, windowStart } from "./windows.ts";

/** A conv with what its C depends on. */
export interface ConvLayer {
  readonly context: StageContext;
  /** The user's layer. */
  readonly name: string;
  readonly weights: Constant;
  readonly bias: Constant | null;
  readonly window: Window;
  readonly groups: number;
  readonly padMantissa: number;
  /** Type of the input's elements. */
  readonly type: CType;
  /** Type of what the kernel sees: the input's elements and what stands beside and between them. */
  readonly patchType: CType;
  readonly patchRange: Range;
  readonly accumulator: CType;
  readonly resultType: CType;
}

/** The function's body with what it reads. */
export interface ConvBody {
  readonly body: string;
  readonly constants: readonly ConstantPlan[];
}

/** Copies what the kernel sees from position to `patch`. */
export function patchCall(
  { context, type, patchType, window, padMantissa }: ConvLayer,
  from: string,
): string {
  const kernel = context.kernels.patch(type, patchType);
  return `${kernel}(${from}, &window, ${windowStart(window)}, ${padMantissa}, patch);`;
}

/** Statements of one position, which moves `y` on where there are several. */
export function advancing(statements: string, { positions }: Window, channels: number): string {
  const many = positions.rows * positions.columns > 1;
  return many ? `${statements.trimEnd()}\ny += ${channels};` : statements;
}
