// Random chains of operators that permute, regroup, cut, join and weigh axes, against onnxruntime: wherever the elements
// lie, they are the file's. LAYOUT_CHAINS is the number of chains; each is made from its own number.
import { describe, expect, it } from "vitest";
import { createRandom, permutation, type RandomStream } from "../../../support/random.ts";
import { compareWithOnnxruntime } from "./against-onnxruntime.ts";
import { createOnnx, type OnnxBuilder } from "./build-onnx.ts";
import { importedProblems } from "./check-imported.ts";

const CHAINS = Number(process.env.LAYOUT_CHAINS ?? 80);

interface Step {
  readonly tensor: string;
  readonly dims: readonly number[];
}

const count = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

function primesOf(value: number): readonly number[] {
  const primes: number[] = [];
  let rest = value;
  for (let p = 2; rest > 1; p++) for (; rest % p === 0; rest /= p) primes.push(p);
  return primes;
}

/** One to five sizes of the same product, in any cut. */
function regrouped(dims: readonly number[], random: RandomStream): readonly number[] {
  const sizes = Array.from({ length: random.integer(1, 5) }, () => 1);
  for (const prime of primesOf(count(dims))) sizes[random.integer(0, sizes.length - 1)]! *= prime;
  return sizes;
}

/** A node or a few on a tensor. */
function step(b: OnnxBuilder, { tensor, dims }: Step, random: RandomStream): Step {
  const axis = random.integer(0, dims.length - 1);
  const size = dims[axis]!;
  switch (random.integer(0, 9)) {
    case 0:
    case 1: {
      const perm = [...permutation(dims.length, random)];
      return { tensor: b.node("Transpose", [tensor], { perm }), dims: perm.map((i) => dims[i]!) };
    }
    case 2:
    case 3: {
      const sizes = regrouped(dims, random);
      return { tensor: b.node("Reshape", [tensor, b.list(sizes)]), dims: sizes };
    }
    case 4: {
      const shape = dims.map((length) => (random.integer(0, 1) === 0 ? length : 1));
      return { tensor: b.node("Add", [tensor, b.weights(shape)]), dims };
    }
    case 5:
      return {
        tensor: b.node("Sub", [b.node("Relu", [tensor]), b.node("Mul", [tensor, b.weights([], [0.5])])]),
        dims,
      };
    case 6: {
      const units = random.integer(1, 4);
      const last = dims.at(-1)!;
      return {
        tensor: b.node("MatMul", [tensor, b.weights([last, units])]),
        dims: [...dims.slice(0, -1), units],
      };
    }
    case 7: {
      if (count(dims) > 200) return { tensor, dims };
      const both = b.node("Concat", [tensor, b.node("Relu", [tensor])], { axis });
      return { tensor: both, dims: dims.map((length, i) => (i === axis ? 2 * length : length)) };
    }
    case 8: {
      if (size === 1) return { tensor, dims };
      const begin = random.integer(0, size - 1);
      const end = random.integer(begin + 1, size);
      const cut = b.node("Slice", [tensor, b.list([begin]), b.list([end]), b.list([axis])]);
      return { tensor: cut, dims: dims.map((length, i) => (i === axis ? end - begin : length)) };
    }
    default: {
      // The same tensor along two ways that move it apart and together again.
      const perm = [...permutation(dims.length, random)];
      const there = b.node("Transpose", [b.node("Tanh", [tensor])], { perm });
      const back = b.node("Transpose", [there], { perm: perm.map((_, i) => perm.indexOf(i)) });
      return { tensor: b.node("Mul", [tensor, back]), dims };
    }
  }
}

describe("random chains of layouts", () => {
  it(`agree with onnxruntime: ${CHAINS} chains`, { timeout: CHAINS * 5000 }, async () => {
    const kinds = new Set<string>();
    for (let i = 0; i < CHAINS; i++) {
      const random = createRandom(3, "layouts", i);
      const b = createOnnx(i);
      const first = [1, ...Array.from({ length: random.integer(1, 3) }, () => random.integer(1, 6))];
      let last: Step = { tensor: b.input("x", first), dims: first };
      for (let steps = random.integer(2, 8); steps > 0; steps--) last = step(b, last, random);
      const bytes = b.finish([b.node("Tanh", [last.tensor])], 13);
      const { imported, difference } = await compareWithOnnxruntime(bytes, { runs: 1, range: 1 });
      expect(importedProblems(imported.model), `chain ${i}`).toEqual([]);
      expect(difference, `chain ${i}`).toBeLessThan(1e-4);
      for (const { kind } of imported.model.nodes) kinds.add(kind);
    }
    expect([...kinds]).toEqual(
      expect.arrayContaining(["transpose", "dense", "conv", "affine", "slice", "concat"]),
    );
  });
});
