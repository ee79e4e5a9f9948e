// y = saturate(activation(round(x / 2^shift))) in big integers, written from the definition, apart from the simulator.

export interface Requantization {
  readonly outWidth: number;
  readonly outSigned: boolean;
  /** Positive: to the right. */
  readonly shift: number;
  /** 0: half up, 1: truncate, 2: ties to even. */
  readonly rounding: number;
  readonly relu: boolean;
}

export function requantize(x: number, p: Requantization): number {
  let y: bigint;
  if (p.shift <= 0) y = BigInt(x) << BigInt(-p.shift);
  else {
    const unit = 1n << BigInt(p.shift);
    const floor = BigInt(x) >> BigInt(p.shift);
    const rest = BigInt(x) - floor * unit;
    const up =
      p.rounding === 1
        ? false
        : p.rounding === 0
          ? 2n * rest >= unit
          : 2n * rest > unit || (2n * rest === unit && floor % 2n !== 0n);
    y = up ? floor + 1n : floor;
  }
  if (p.relu && y < 0n) y = 0n;
  const low = p.outSigned ? -(1n << BigInt(p.outWidth - 1)) : 0n;
  const high = p.outSigned ? (1n << BigInt(p.outWidth - 1)) - 1n : (1n << BigInt(p.outWidth)) - 1n;
  return Number(y < low ? low : y > high ? high : y);
}
