// Products that share one multiplier. In: the operands of a layer's products, what stands side by side, the operands that a
// multiplier takes. Out: how many outputs and positions share one, and how far apart their products stand.

/** Widths of the two's complement operands of a multiplier, in either order. */
export type Multiplier = readonly [number, number];

/** As nf_dots has it. */
export interface Sharing {
  /** Outputs of one vector that share multipliers, and positions with the same weights that do. */
  readonly pe: number;
  readonly windows: number;
  /** Bits from one product to the next. */
  readonly spacing: number;
}

export interface SharedProducts {
  readonly inputWidth: number;
  readonly weightWidth: number;
  /** Outputs side by side that look at the same vector. */
  readonly pe: number;
  /** Positions side by side that meet the same weights. */
  readonly windows: number;
}

/** Bits of the two operands of one multiplier: one sign bit more for inputs, and a borrow for weights above others. */
export function sharedOperands(
  { inputWidth, weightWidth }: Pick<SharedProducts, "inputWidth" | "weightWidth">,
  { pe, windows, spacing }: Sharing,
): readonly [inputs: number, weights: number] {
  return [
    (windows - 1) * spacing + inputWidth + 1,
    (pe - 1) * windows * spacing + weightWidth + (pe > 1 ? 1 : 0),
  ];
}

/**
 * The most products of whole inputs and two's complement weights that one multiplier can make; null when that is one. A
 * product of a x b bits, and that less 1, has a + b bits; neighbours may overlap by one of them (nf_dots). Among equals: no
 * overlap, then the fewest positions.
 */
export function mostShared(products: SharedProducts, multiplier: Multiplier): Sharing | null {
  const [wide, narrow] = multiplier.toSorted((a, b) => b - a) as [number, number];
  const { inputWidth, weightWidth } = products;
  if (weightWidth < 2) return null;
  const fits = (sharing: Sharing): boolean => {
    const [more, less] = sharedOperands(products, sharing).toSorted((a, b) => b - a) as [number, number];
    return more <= wide && less <= narrow;
  };
  let best: Sharing | null = null;
  for (const overlap of [0, 1])
    for (let windows = 1; windows <= products.windows; windows++) {
      if (products.windows % windows !== 0) continue;
      for (let pe = 1; pe <= products.pe; pe++) {
        if (products.pe % pe !== 0) continue;
        const sharing = { pe, windows, spacing: inputWidth + weightWidth - overlap };
        if (pe * windows > (best ? best.pe * best.windows : 1) && fits(sharing)) best = sharing;
      }
    }
  return best;
}
