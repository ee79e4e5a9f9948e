// Those of ice40-hx8k, whose look-up tables have four inputs too, until `node bench/estimates.mjs --target ice40-up5k --fit` made its own:
// errors are not known.
import type { Coefficients } from "./coefficients.ts";

export const ice40Up5k: Coefficients = {
  lut: {
    stage: 10.646,
    counter: 1.873,
    state: 0.88271,
    adder: 0.89862,
    accumulator: 1.6336,
    start: 0.19774,
    partialProduct: 2.2639,
    productEdge: 1.0524,
    negation: 1.7259,
    agreement: 0.99281,
    choice: 0.69987,
    comparison: 0.23855,
    detection: 0.96308,
    saturation: 0.88064,
    enable: 0.67993,
    romColumn: 0.90311,
    romLeaf: 2.2591,
    rotation: 1,
    windowCount: 5.3191,
    windowAddress: 8.9204,
    windowPlace: 2.5563,
    bypass: 1.2697,
    blockRows: 0.49646,
  },
  register: 0.9898,
};
