// Made by `node bench/estimates.mjs --target ecp5 --fit`.
import type { Coefficients } from "./coefficients.ts";

export const ecp5: Coefficients = {
  lut: {
    stage: 8.2685,
    counter: 2.2105,
    state: 0.91555,
    adder: 0.74918,
    accumulator: 1.5128,
    start: 0.19504,
    partialProduct: 1.6,
    productEdge: 1,
    negation: 2.3233,
    agreement: 0.99293,
    choice: 0.76877,
    comparison: 0.93557,
    detection: 0.97277,
    saturation: 0.89398,
    enable: 0.65636,
    romColumn: 0.88291,
    romLeaf: 2.0464,
    rotation: 1,
    windowCount: 8.9759,
    windowAddress: 10.286,
    windowPlace: 2.7746,
    bypass: 1.1516,
    blockRows: 0.61705,
  },
  register: 0.99398,
};
