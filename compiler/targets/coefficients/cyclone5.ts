// As the structure of the logic has it, until `node bench/estimates.mjs --target cyclone5 --fit` made its own: errors are not known.
import type { Coefficients } from "./coefficients.ts";
import { STRUCTURE } from "./structure.ts";

export const cyclone5: Coefficients = { lut: STRUCTURE, register: 1 };
