// Made by `node bench/estimates.mjs --target cyclone5 --fit`.
import type { Coefficients } from "./coefficients.ts";

export const cyclone5: Coefficients = {
  lut: {
    stage: 11.19,
    counter: 2.1608,
    state: 0.97448,
    adder: 0.98856,
    accumulator: 1.9853,
    start: 0.19768,
    partialProduct: 1.7684,
    productEdge: 1.0479,
    negation: 1.6329,
    agreement: 0.98885,
    choice: 0.79234,
    comparison: 1.0032,
    detection: 0.98972,
    saturation: 1.0572,
    enable: 0.63146,
    romColumn: 0.75434,
    romLeaf: 1.9373,
    rotation: 1,
    windowCount: 9.1839,
    windowAddress: 10.888,
    windowPlace: 3.1883,
    bypass: 1.2,
    blockRows: 0.51172,
  },
  register: 1.048,
};
