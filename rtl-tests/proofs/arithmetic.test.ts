// Requantizers and the lanes and sums of MAC arrays against their definitions, for all inputs, by SAT: at the widths that the
// examples have them with, and at others; and that the same proofs fail for modules with a fault.
import { beforeAll, describe, expect, test } from "vitest";
import { fixedFile } from "../../compiler/render/render.ts";
import { createRandom } from "../../compiler/support/random.ts";
import type { TensorFlow } from "../../compiler/support/tensorflow.ts";
import { casesOf, isNightly } from "../../compiler/tests/nightly.ts";
import {
  DENSE_EXAMPLES,
  type Example,
  exampleProgram,
  SPATIAL_EXAMPLES,
} from "../../compiler/tests/unit/export/example-programs.ts";
import { openWasm } from "../../compiler/tests/unit/train/small-data.ts";
import { designOf } from "../../compiler/tests/unit/verify/designs.ts";
import { instancesOf } from "../harness/instances.ts";
import { channelsClaim, claimsOf, productClaim, requantizeClaim, sumsClaim } from "./arithmetic.ts";
import { type Claim, unproved } from "./prove.ts";

const TIMEOUT = 1_200_000;
/** In `make test`: those that train in a moment, of dense layers, one-bit weights, images and sequences. */
const FEW = ["mnist/mnist", "mnist/binary", "lenet/lenet", "conv1d/conv1d"];

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

function examples(): readonly Example[] {
  return [...DENSE_EXAMPLES, ...SPATIAL_EXAMPLES].filter(([file]) => isNightly() || FEW.includes(file));
}

/** Formats, shifts and operands by chance; products in look-up tables of operands that SAT is done with in seconds. */
function claimsByChance(count: number): readonly Claim[] {
  const random = createRandom(1, "proofs");
  const bit = (): number => random.integer(0, 1);
  const claims: Claim[] = [];
  for (let n = 0; n < count; n++) {
    const formats = {
      IN_WIDTH: random.integer(1, 28),
      IN_SIGNED: bit(),
      OUT_WIDTH: random.integer(1, 12),
      OUT_SIGNED: bit(),
      ROUNDING: random.integer(0, 2),
      RELU: bit(),
    };
    claims.push(requantizeClaim({ ...formats, SHIFT: random.integer(-6, formats.IN_WIDTH + 4) }));
    const narrow = { ...formats, IN_WIDTH: Math.min(formats.IN_WIDTH, 14) };
    const LEFT = random.integer(0, 2);
    const SHIFT_BITS = Math.ceil(Math.log2(narrow.IN_WIDTH + LEFT + 2));
    if (n % 4 === 0) claims.push(channelsClaim({ ...narrow, LEFT, SHIFT_BITS }));
    const kind = (): { readonly kind: number; readonly width: number } => {
      const drawn = random.integer(0, 2);
      return { kind: drawn, width: drawn === 2 ? 1 : random.integer(1, 6) };
    };
    const [x, w] = [kind(), kind()];
    const operands = { X_WIDTH: x.width, X_KIND: x.kind, W_WIDTH: w.width, W_KIND: w.kind };
    claims.push(productClaim({ ...operands, IN_LOGIC: bit() }));
    const SIMD = random.integer(1, 12);
    const room = x.width + w.width + Math.ceil(Math.log2(SIMD)) + 2;
    claims.push(sumsClaim({ ...operands, SIMD, ACC_WIDTH: Math.max(2, room - random.integer(0, 3)) }));
  }
  return [...new Map(claims.map((claim) => [claim.name, claim])).values()];
}

/** The claim about a module with another text in place of one. */
function broken(claim: Claim, module: string, from: string, to: string): Claim {
  const text = fixedFile(`verilog/lib/${module}.v`);
  expect(text.split(from).length, `${module} has ${from}`).toBe(2);
  return { ...claim, files: new Map([[`${module}.v`, text.replace(from, to)]]) };
}

const FORMATS = { IN_WIDTH: 10, OUT_WIDTH: 4 };
const SHIFTED = { ...FORMATS, SHIFT: 4 };
const EVEN = { ...SHIFTED, ROUNDING: 2 };
const CHANNELS = { ...FORMATS, LEFT: 1, SHIFT_BITS: 4 };
const OPERANDS = { X_WIDTH: 3, X_KIND: 1, W_WIDTH: 3, W_KIND: 1 };
const SUMS = { ...OPERANDS, SIMD: 4, ACC_WIDTH: 9 };
const FAULTS: readonly (readonly [string, Claim])[] = [
  [
    "half",
    broken(requantizeClaim(SHIFTED), "nf_requantize", "(ONE << RIGHT) >> 1 :", "(ONE << RIGHT) >> 2 :"),
  ],
  ["truncation", broken(requantizeClaim(SHIFTED), "nf_requantize", "ROUNDING != 1)", "ROUNDING == 1)")],
  ["ties", broken(requantizeClaim(EVEN), "nf_requantize", "shifted[0] && !tie", "shifted[0]")],
  [
    "highest",
    broken(requantizeClaim(SHIFTED), "nf_requantize", "rounded > HIGHEST", "rounded > HIGHEST + 1"),
  ],
  ["sign", broken(requantizeClaim(SHIFTED), "nf_requantize", "addend_in >>> RIGHT", "addend_in >> RIGHT")],
  [
    "shift",
    broken(channelsClaim(CHANNELS), "nf_requantize_channels", "added >>> right", "added >>> (right | 1)"),
  ],
  [
    "operand",
    broken(productClaim(OPERANDS), "nf_dot", "wire b_sign = (W_KIND == 1)", "wire b_sign = (W_KIND == 0)"),
  ],
  ["lane", broken(productClaim(OPERANDS), "nf_dot", "used[n] ? result", "!used[n] ? result")],
  [
    "adder",
    broken(
      sumsClaim(SUMS),
      "nf_dot",
      ".value + node[2*(n-LEAVES)+1].value",
      ".value + node[2*(n-LEAVES)].value",
    ),
  ],
];

describe("arithmetic is what its definition says, for all inputs", () => {
  test(
    "as the examples have it",
    async () => {
      const instances = [];
      for (const example of examples()) {
        const { manifest, files } = designOf(await exampleProgram(tf, example));
        const top = files.get(`rtl/${manifest.rtl!.top}.v`) as string;
        instances.push(...instancesOf(top, (module) => fixedFile(`verilog/lib/${module}.v`)));
      }
      const claims = claimsOf(instances);
      const kinds = new Set(claims.map(({ module }) => module));
      expect([...kinds].sort()).toEqual(["product", "requantize", "sums"]);
      expect(claims.length).toBeGreaterThan(20);
      expect(await unproved(claims)).toEqual([]);
    },
    TIMEOUT,
  );

  test(
    "at other widths",
    async () => {
      expect(await unproved(claimsByChance(casesOf(12, 200)))).toEqual([]);
    },
    TIMEOUT,
  );

  test(
    "and no fault in a module is proved",
    async () => {
      const claims = FAULTS.map(([name, claim]) => ({ ...claim, name }));
      const failed = await unproved(claims);
      expect(failed.map((text) => text.slice(0, text.indexOf(":")))).toEqual(FAULTS.map(([name]) => name));
    },
    TIMEOUT,
  );
});
