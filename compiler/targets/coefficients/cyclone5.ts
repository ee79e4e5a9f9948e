// As the structure of the logic has it, until `node bench/estimates.mjs --target cyclone5 --fit` made its own: errors are not known.
import type { Coefficients } from "./coefficients.ts";

export const cyclone5: Coefficients = {
  lut: {
    stage: 10,
    counter: 2,
    state: 1,
    adder: 1,
    accumulator: 2,
    start: 0.2,
    partialProduct: 1.6,
    productEdge: 1,
    negation: 2,
    agreement: 1,
    choice: 0.8,
    comparison: 1,
    detection: 1,
    saturation: 1,
    enable: 0.7,
    romColumn: 1,
    romLeaf: 1.7,
    rotation: 1,
    windowCount: 8,
    windowAddress: 10,
    windowPlace: 3,
    bypass: 1.2,
    blockRows: 0.5,
  },
  register: 1,
};
