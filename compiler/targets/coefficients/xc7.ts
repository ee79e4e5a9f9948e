// Made by `node bench/estimates.mjs --target xc7 --fit`.
import type { Coefficients } from "./coefficients.ts";

export const xc7: Coefficients = {
  lut: {
    stage: 9.4252,
    counter: 1.9003,
    state: 0.9562,
    adder: 0.69762,
    accumulator: 1.6729,
    start: 0.20185,
    partialProduct: 1.4382,
    productEdge: 0.76671,
    negation: 2.3404,
    agreement: 0.99,
    choice: 0.80981,
    comparison: 0.74506,
    detection: 0.98057,
    saturation: 0.83835,
    enable: 0.70122,
    romColumn: 0.94561,
    romLeaf: 1.9381,
    rotation: 1,
    windowCount: 6.1869,
    windowAddress: 8.049,
    windowPlace: 2.2956,
    bypass: 1.2,
    blockRows: 0.49534,
  },
  register: 0.99711,
};
