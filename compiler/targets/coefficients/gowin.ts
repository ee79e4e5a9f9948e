// Made by `node bench/estimates.mjs --target gowin --fit`.
import type { Coefficients } from "./coefficients.ts";

export const gowin: Coefficients = {
  lut: {
    stage: 13.72,
    counter: 2.4963,
    state: 0.88788,
    adder: 1.1628,
    accumulator: 1.7607,
    start: 0.19196,
    partialProduct: 2.9006,
    productEdge: 1.3494,
    negation: 1.7297,
    agreement: 0.97991,
    choice: 0.62436,
    comparison: 0.89094,
    detection: 0.96661,
    saturation: 0.95411,
    enable: 0.7022,
    romColumn: 0.79792,
    romLeaf: 1.829,
    rotation: 1,
    windowCount: 8.5502,
    windowAddress: 9.949,
    windowPlace: 2.7059,
    bypass: 1.1186,
    blockRows: 0.65712,
  },
  register: 0.9939,
};
