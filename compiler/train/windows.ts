// Which positions of a tensor the windows of a convolution or pool read. In: sizes, strides and padding. Out: a table of
// positions, made once and shared by the forward and the backward pass.
import type { ConvOperator, PoolOperator, Sizes } from "../graph/graph.ts";
import { product, reachOf } from "../graph/shapes.ts";

export interface Windows {
  /** Windows, row-major in the result. */
  readonly positions: number;
  /** Places of one window, row-major in the kernel. */
  readonly taps: number;
  /** Positions of the tensor that is read. */
  readonly inputPositions: number;
  /** [positions, taps]: the input's position, -1 outside of it. */
  readonly sources: Int32Array;
  readonly axes: readonly Axis[];
}

/** Along one axis: window p reads p * stride + k * dilation - before, a multiple of spread, for k = 0 to size - 1. */
export interface Axis {
  readonly input: number;
  readonly result: number;
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly spread: number;
}

/** Whether a window reads what is no element of the input. */
export function readsOutside({ sources }: Windows): boolean {
  return sources.some((source) => source < 0);
}

/** Whether a transposed convolution puts zeros between the elements of its input. */
export function isSpread({ axes }: Windows): boolean {
  return axes.some(({ spread, input }) => spread > 1 && input > 1);
}

function alongAxis({ input, result, size, stride, dilation, before, spread }: Axis): Int32Array {
  const out = new Int32Array(result * size);
  for (let p = 0; p < result; p++)
    for (let k = 0; k < size; k++) {
      const at = p * stride + k * dilation - before;
      const source = at / spread;
      out[p * size + k] = at % spread === 0 && source >= 0 && source < input ? source : -1;
    }
  return out;
}

/** `input` and `result` are spatial sizes. */
function windowsOf(axes: readonly Axis[]): Windows {
  const results = axes.map((a) => a.result);
  const kernel = axes.map((a) => a.size);
  const positions = product(results);
  const taps = product(kernel);
  const tables = axes.map(alongAxis);
  const sources = new Int32Array(positions * taps);
  for (let p = 0; p < positions; p++)
    for (let k = 0; k < taps; k++) {
      let [position, tap, source, scale] = [p, k, 0, 1];
      for (let a = axes.length - 1; a >= 0 && source >= 0; a--) {
        const found = tables[a]![(position % results[a]!) * kernel[a]! + (tap % kernel[a]!)]!;
        source = found < 0 ? -1 : source + found * scale;
        position = Math.floor(position / results[a]!);
        tap = Math.floor(tap / kernel[a]!);
        scale *= axes[a]!.input;
      }
      sources[p * taps + k] = source;
    }
  return { positions, taps, inputPositions: product(axes.map((a) => a.input)), sources, axes };
}

/**
 * Windows of a convolution. A transposed one is a plain one over the spread input with its kernel flipped; the weights
 * are kept in that order, which is the integer program's.
 */
export function convWindows(operator: ConvOperator, input: Sizes, result: Sizes): Windows {
  const { kernel, strides, dilations, padding, transposed } = operator;
  return windowsOf(
    input.map((size, a) => {
      const before = padding.before[a]!;
      const base = { input: size, result: result[a]!, size: kernel[a]!, dilation: dilations[a]! };
      if (!transposed) return { ...base, stride: strides[a]!, before, spread: 1 };
      const reach = reachOf(kernel[a]!, dilations[a]!);
      return { ...base, stride: 1, before: reach - 1 - before, spread: strides[a]! };
    }),
  );
}

/** Windows of a pool. */
export function poolWindows(
  { window, strides, padding }: PoolOperator,
  input: Sizes,
  result: Sizes,
): Windows {
  return windowsOf(
    input.map((size, a) => ({
      input: size,
      result: result[a]!,
      size: window[a]!,
      stride: strides[a]!,
      dilation: 1,
      before: padding.before[a]!,
      spread: 1,
    })),
  );
}
