// Made by `node bench/estimates.mjs --target xc7 --fit`.
import type { Coefficients } from "./coefficients.ts";

export const xc7: Coefficients = {
  lut: {
    stage: 9.8533,
    counter: 2.0214,
    state: 0.94308,
    adder: 0.73549,
    accumulator: 0.93351,
    start: 0.20801,
    partialProduct: 1.5298,
    productEdge: 0.80008,
    negation: 2.1767,
    agreement: 0.98554,
    choice: 0.85794,
    comparison: 0.61499,
    detection: 0.98437,
    saturation: 0.95309,
    enable: 0.64906,
    romColumn: 0.91336,
    romLeaf: 1.9237,
    rotation: 1,
    windowCount: 5.8061,
    windowAddress: 9.5299,
    windowPlace: 2.7449,
    bypass: 1.2,
    blockRows: 0.48282,
  },
  register: 1.0275,
};
