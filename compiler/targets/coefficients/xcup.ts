// Those of xc7, whose look-up tables have six inputs too, until `node bench/estimates.mjs --target xcup --fit` made its own: errors
// are not known.
export { xc7 as xcup } from "./xc7.ts";
