// Those of ice40-hx8k, whose look-up tables have four inputs too, until `node bench/estimates.mjs --target ecp5 --fit` made its own:
// errors are not known.
import type { Coefficients } from "./coefficients.ts";

export const ecp5: Coefficients = {
  lut: {
    stage: 10.68,
    counter: 1.877,
    state: 0.8756,
    adder: 0.8932,
    accumulator: 1.661,
    start: 0.198,
    partialProduct: 2.296,
    productEdge: 1.053,
    negation: 1.721,
    agreement: 0.9937,
    choice: 0.693,
    comparison: 0.2061,
    detection: 0.9593,
    saturation: 0.8794,
    enable: 0.6764,
    romColumn: 0.9128,
    romLeaf: 2.298,
    rotation: 1,
    windowCount: 5.337,
    windowAddress: 8.947,
    windowPlace: 2.507,
    bypass: 1.273,
    blockRows: 0.4959,
  },
  register: 0.9898,
};
