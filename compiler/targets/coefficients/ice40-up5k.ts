// Made by `node bench/estimates.mjs --target ice40-up5k --fit`.
import type { Coefficients } from "./coefficients.ts";

export const ice40Up5k: Coefficients = {
  lut: {
    stage: 10.378,
    counter: 1.8775,
    state: 0.86588,
    adder: 0.83635,
    accumulator: 1.5269,
    start: 0.19812,
    partialProduct: 1.6977,
    productEdge: 0.86687,
    negation: 1.7958,
    agreement: 0.99484,
    choice: 0.71173,
    comparison: 0.25494,
    detection: 0.96826,
    saturation: 0.8666,
    enable: 0.68641,
    romColumn: 0.90543,
    romLeaf: 2.5169,
    rotation: 1,
    windowCount: 5.3485,
    windowAddress: 8.7709,
    windowPlace: 2.3799,
    bypass: 1.1988,
    blockRows: 0.48617,
  },
  register: 0.98889,
};
