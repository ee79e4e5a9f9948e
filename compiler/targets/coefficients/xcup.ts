// Made by `node bench/estimates.mjs --target xcup --fit`.
import type { Coefficients } from "./coefficients.ts";

export const xcup: Coefficients = {
  lut: {
    stage: 9.1182,
    counter: 1.8256,
    state: 1.0115,
    adder: 0.90182,
    accumulator: 0.98562,
    start: 0.20206,
    partialProduct: 1.5254,
    productEdge: 0.90159,
    negation: 2.1787,
    agreement: 0.98763,
    choice: 0.87056,
    comparison: 0.7635,
    detection: 1.0161,
    saturation: 0.8807,
    enable: 0.7206,
    romColumn: 1.0349,
    romLeaf: 2.077,
    rotation: 1,
    windowCount: 6.4603,
    windowAddress: 8.659,
    windowPlace: 2.3252,
    bypass: 1.2,
    blockRows: 0.48669,
  },
  register: 0.98547,
};
