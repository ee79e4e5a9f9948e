// Made by `node bench/estimates.mjs --target ecp5 --fit`.
import type { Coefficients } from "./coefficients.ts";

export const ecp5: Coefficients = {
  lut: {
    stage: 8.1716,
    counter: 2.2184,
    state: 0.90474,
    adder: 0.72743,
    accumulator: 1.5297,
    start: 0.19609,
    partialProduct: 1.6,
    productEdge: 1,
    negation: 2.3454,
    agreement: 0.9944,
    choice: 0.78238,
    comparison: 0.91537,
    detection: 0.97356,
    saturation: 0.89281,
    enable: 0.65883,
    romColumn: 0.9171,
    romLeaf: 2.0442,
    rotation: 1,
    windowCount: 8.9601,
    windowAddress: 10.328,
    windowPlace: 2.7825,
    bypass: 1.1483,
    blockRows: 0.61043,
  },
  register: 0.99398,
};
