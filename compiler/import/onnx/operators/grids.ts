// Tensors that the file holds as quantized integers: between QuantizeLinear and DequantizeLinear.
import { sameDims } from "../constant.ts";
import type { Grid } from "../network.ts";

/** Whether the integers of two tensors mean the same numbers. */
export function sameGrid(a: Grid | null, b: Grid | null): boolean {
  if (a === null || b === null) return a === b;
  if (a === b) return true;
  return (["scale", "zeroPoint"] as const).every((part) => {
    const [x, y] = [a[part], b[part]];
    if (!sameDims(x.dims, y.dims)) return false;
    const [p, q] = [x.numbers(), y.numbers()];
    return p.every((value, i) => value === q[i]);
  });
}
