// Units of quantities and their dimensions. Adding a unit = one row.

export type Dimension =
  | "frequency"
  | "time"
  | "cycles"
  | "bit operations"
  | "effective bit operations"
  | "bits"
  | "look-up tables"
  | "pixels"
  | "samples"
  | "epochs"
  | "ratio";

export interface Unit {
  readonly dimension: Dimension;
  /** Factor to the base unit of the dimension. */
  readonly factor: number;
}

/** The unit that values of a dimension are kept in; it is also how a plain example is written. */
export const BASE_UNITS: Readonly<Record<Dimension, string>> = {
  frequency: "MHz",
  time: "us",
  cycles: "cycles",
  "bit operations": "bitops",
  "effective bit operations": "ebops",
  bits: "bits",
  "look-up tables": "luts",
  pixels: "px",
  samples: "samples",
  epochs: "epochs",
  ratio: "%",
};

/** What a quantity of a dimension is called in a message. */
export const DIMENSION_PHRASES: Readonly<Record<Dimension, string>> = {
  frequency: "a frequency",
  time: "a time",
  cycles: "a number of cycles",
  "bit operations": "a number of bit operations",
  "effective bit operations": "a number of effective bit operations",
  bits: "a number of bits",
  "look-up tables": "a number of look-up tables",
  pixels: "a number of pixels",
  samples: "a number of samples",
  epochs: "a number of epochs",
  ratio: "a ratio",
};

export const UNITS: ReadonlyMap<string, Unit> = new Map<string, Unit>([
  ["Hz", { dimension: "frequency", factor: 1e-6 }],
  ["kHz", { dimension: "frequency", factor: 1e-3 }],
  ["MHz", { dimension: "frequency", factor: 1 }],
  ["GHz", { dimension: "frequency", factor: 1e3 }],
  ["ns", { dimension: "time", factor: 1e-3 }],
  ["us", { dimension: "time", factor: 1 }],
  ["ms", { dimension: "time", factor: 1e3 }],
  ["s", { dimension: "time", factor: 1e6 }],
  ["cycle", { dimension: "cycles", factor: 1 }],
  ["cycles", { dimension: "cycles", factor: 1 }],
  ["bitops", { dimension: "bit operations", factor: 1 }],
  ["kbitops", { dimension: "bit operations", factor: 1e3 }],
  ["Mbitops", { dimension: "bit operations", factor: 1e6 }],
  ["Gbitops", { dimension: "bit operations", factor: 1e9 }],
  ["ebops", { dimension: "effective bit operations", factor: 1 }],
  ["kebops", { dimension: "effective bit operations", factor: 1e3 }],
  ["Mebops", { dimension: "effective bit operations", factor: 1e6 }],
  ["bit", { dimension: "bits", factor: 1 }],
  ["bits", { dimension: "bits", factor: 1 }],
  ["kbits", { dimension: "bits", factor: 1e3 }],
  ["Mbits", { dimension: "bits", factor: 1e6 }],
  ["luts", { dimension: "look-up tables", factor: 1 }],
  ["kluts", { dimension: "look-up tables", factor: 1e3 }],
  ["px", { dimension: "pixels", factor: 1 }],
  ["sample", { dimension: "samples", factor: 1 }],
  ["samples", { dimension: "samples", factor: 1 }],
  ["epoch", { dimension: "epochs", factor: 1 }],
  ["epochs", { dimension: "epochs", factor: 1 }],
  ["%", { dimension: "ratio", factor: 1 }],
]);

/** Units of one dimension, as written. */
export function unitsOf(dimension: Dimension): string[] {
  return [...UNITS].filter(([, unit]) => unit.dimension === dimension).map(([name]) => name);
}
