// Made by `node bench/estimates.mjs --target gowin --fit`.
import type { Coefficients } from "./coefficients.ts";

export const gowin: Coefficients = {
  lut: {
    stage: 14.507,
    counter: 2.4557,
    state: 0.87816,
    adder: 1.2268,
    accumulator: 1.7728,
    start: 0.19321,
    partialProduct: 2.9285,
    productEdge: 1.4295,
    negation: 1.6511,
    agreement: 0.97864,
    choice: 0.60259,
    comparison: 0.8509,
    detection: 0.96946,
    saturation: 0.9128,
    enable: 0.71513,
    romColumn: 0.78316,
    romLeaf: 1.7809,
    rotation: 1,
    windowCount: 8.0657,
    windowAddress: 9.6823,
    windowPlace: 2.5794,
    bypass: 1.1105,
    blockRows: 0.6509,
  },
  register: 0.9939,
};
