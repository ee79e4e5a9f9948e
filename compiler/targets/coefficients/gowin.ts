// Those of ice40-hx8k, whose look-up tables have four inputs too, until `node bench/estimates.mjs --target gowin --fit` made its own:
// errors are not known.
import type { Coefficients } from "./coefficients.ts";

export const gowin: Coefficients = {
  lut: {
    stage: 10.683,
    counter: 1.8774,
    state: 0.87555,
    adder: 0.89321,
    accumulator: 1.6611,
    start: 0.198,
    partialProduct: 2.2963,
    productEdge: 1.0529,
    negation: 1.7213,
    agreement: 0.99366,
    choice: 0.69304,
    comparison: 0.20612,
    detection: 0.95927,
    saturation: 0.87941,
    enable: 0.67642,
    romColumn: 0.91278,
    romLeaf: 2.2984,
    rotation: 1,
    windowCount: 5.3368,
    windowAddress: 8.9472,
    windowPlace: 2.5071,
    bypass: 1.2727,
    blockRows: 0.49591,
  },
  register: 0.9898,
};
