// Those of ice40-hx8k, whose look-up tables have four inputs too, until `node bench/estimates.mjs --target ice40-up5k --fit` made
// its own: errors are not known. The delays are another part's, and left out.
import type { Coefficients } from "./coefficients.ts";
import { ice40Hx8k } from "./ice40-hx8k.ts";

const { lut, register } = ice40Hx8k;

export const ice40Up5k: Coefficients = { lut, register };
