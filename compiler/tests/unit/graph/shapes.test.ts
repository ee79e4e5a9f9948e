// The shape rules: what they say is what an execution makes, for random attributes; and what they refuse.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ConvOperator, Operator, PoolOperator } from "../../../graph/graph.ts";
import { inferShape, product, type Shape, samePadding } from "../../../graph/shapes.ts";
import { executedShape } from "./naive-shapes.ts";

const options = { seed: 7, numRuns: 200 };
const size = fc.integer({ min: 1, max: 9 });
const small = fc.integer({ min: 1, max: 4 });
const cells = fc.integer({ min: 0, max: 3 });

/** An image or a sequence. */
const spatial = fc.oneof(fc.tuple(size, small), fc.tuple(size, size, small));
const anyShape = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
const perAxis = (axes: number, number: fc.Arbitrary<number>) =>
  fc.array(number, { minLength: axes, maxLength: axes });

type Case = readonly [Operator, readonly Shape[]];

const conv: fc.Arbitrary<Case> = fc
  .tuple(spatial, small, fc.boolean())
  .chain(([shape, groups, transposed]) => {
    const axes = shape.length - 1;
    const channels = shape.at(-1)! * groups;
    return fc
      .record({
        kernel: perAxis(axes, small),
        strides: perAxis(axes, small),
        dilations: perAxis(axes, small),
        before: perAxis(axes, cells),
        after: perAxis(axes, cells),
        units: small,
      })
      .map(({ before, after, units, ...sizes }) => [
        { kind: "conv", ...sizes, padding: { before, after }, groups, units: units * groups, transposed },
        [[...shape.slice(0, -1), channels]],
      ]);
  });

const pool: fc.Arbitrary<Case> = spatial.chain((shape) => {
  const axes = shape.length - 1;
  return fc
    .record({
      window: perAxis(axes, small),
      strides: perAxis(axes, small),
      before: perAxis(axes, cells),
      after: perAxis(axes, cells),
      pooling: fc.constantFrom("max" as const, "average" as const),
    })
    .map(({ before, after, ...rest }) => [{ kind: "pool", ...rest, padding: { before, after } }, [shape]]);
});

const slice: fc.Arbitrary<Case> = anyShape.chain((shape) =>
  fc
    .tuple(...shape.map((n) => fc.tuple(fc.nat(n - 1), fc.integer({ min: 1, max: n }))))
    .map((parts) => [
      { kind: "slice", begin: parts.map(([b]) => b), sizes: parts.map(([, s]) => s) },
      [shape],
    ]),
);

const others: fc.Arbitrary<Case> = anyShape.chain((shape) => {
  const rank = shape.length;
  const one = (operator: Operator): Case => [operator, [shape]];
  return fc.oneof(
    fc
      .tuple(perAxis(rank, cells), perAxis(rank, cells))
      .map(([before, after]) => one({ kind: "pad", padding: { before, after }, value: 0 })),
    fc
      .shuffledSubarray(
        shape.map((_, axis) => axis),
        { minLength: rank },
      )
      .map((permutation) => one({ kind: "transpose", permutation })),
    fc
      .shuffledSubarray([...shape, 1], { minLength: rank + 1 })
      .map((sizes) => one({ kind: "reshape", sizes })),
    fc
      .constantFrom("relu", "sigmoid", "flatten", "argmax", "batchnorm", "hardswish" as const)
      .map((kind) => one({ kind } as Operator)),
    fc.constantFrom("add", "subtract", "multiply" as const).map((kind): Case => [{ kind }, [shape, shape]]),
    fc
      .tuple(fc.nat(rank - 1), small, small)
      .map(
        ([axis, b, c]): Case => [
          { kind: "concat", axis },
          [shape, shape.map((n, i) => (i === axis ? b : n)), shape.map((n, i) => (i === axis ? c : n))],
        ],
      ),
    small.map((units): Case => [{ kind: "dense", units }, [[product(shape)]]]),
  );
});

const upsample: fc.Arbitrary<Case> = spatial.chain((shape) =>
  perAxis(shape.length - 1, small).map((factors) => [{ kind: "upsample", factors }, [shape]]),
);

describe("the inferred shape is that of an execution", () => {
  const agrees = ([operator, inputs]: Case): boolean => {
    const result = inferShape(operator, inputs);
    if ("shape" in result) expect(result.shape).toEqual(executedShape(operator, inputs));
    return "shape" in result;
  };
  test.each([
    ["conv", conv, 0.2],
    ["pool", pool, 0.2],
    ["slice", slice, 0.2],
    ["upsample", upsample, 1],
    ["all others", others, 1],
  ] as const)("%s", (_, cases, least) => {
    let fitting = 0;
    fc.assert(
      fc.property(cases, (found) => {
        if (agrees(found)) fitting++;
      }),
      options,
    );
    expect(fitting / options.numRuns).toBeGreaterThanOrEqual(least);
  });

  test("what is refused for its window makes nothing", () => {
    fc.assert(
      fc.property(fc.oneof(conv, pool), ([operator, inputs]) => {
        const result = inferShape(operator, inputs);
        if (!("problems" in result)) return;
        const tooLarge = result.problems.some(({ code }) => code === "graph/kernel-too-large");
        if (tooLarge)
          expect(() => expect(product(executedShape(operator, inputs))).toBeGreaterThan(0)).toThrow();
      }),
      options,
    );
  });

  test("same: ceil(size / stride) positions, transposed size * stride; the odd one behind", () => {
    const axis = fc.record({
      n: fc.integer({ min: 1, max: 30 }),
      k: small,
      s: small,
      d: small,
      t: fc.boolean(),
    });
    fc.assert(
      fc.property(axis, ({ n, k, s, d, t }) => {
        const padding = samePadding([n], [k], [s], [d], t);
        const rest = { kernel: [k], strides: [s], dilations: [d], groups: 1, units: 3 };
        const operator: ConvOperator = { kind: "conv", ...rest, padding, transposed: t };
        expect(inferShape(operator, [[n, 2]])).toEqual({ shape: [t ? n * s : Math.ceil(n / s), 3] });
        expect(executedShape(operator, [[n, 2]])).toEqual([t ? n * s : Math.ceil(n / s), 3]);
        const [before, after] = [padding.before[0]!, padding.after[0]!];
        if (after >= 0) expect(after - before === 0 || after - before === 1).toBe(true);
      }),
      options,
    );
  });
});

const window: ConvOperator = {
  kind: "conv",
  transposed: false,
  units: 4,
  kernel: [3, 3],
  strides: [1, 1],
  dilations: [1, 1],
  padding: { before: [0, 0], after: [0, 0] },
  groups: 1,
};
const pooling: PoolOperator = {
  kind: "pool",
  pooling: "max",
  window: [2, 2],
  strides: [2, 2],
  padding: { before: [0, 0], after: [0, 0] },
};
const image: Shape = [8, 6, 4];

test.each<[string, Operator, readonly Shape[]]>([
  ["graph/bad-attribute", { ...window, strides: [0, 1] }, [image]],
  ["graph/bad-attribute", { ...window, kernel: [1.5, 1] }, [image]],
  ["graph/bad-attribute", { ...window, units: Number.NaN }, [image]],
  ["graph/bad-attribute", { ...window, padding: { before: [0, 0], after: [-1, 0] } }, [image]],
  ["graph/bad-attribute", { ...window, padding: { before: [0, 0], after: [0] } }, [image]],
  ["graph/bad-attribute", { kind: "slice", begin: [-1], sizes: [2] }, [[4]]],
  ["graph/bad-attribute", { kind: "concat", axis: -1 }, [image, image]],
  ["graph/bad-groups graph/bad-groups", { ...window, groups: 3 }, [image]],
  ["graph/bad-groups graph/kernel-too-large", { ...window, groups: 4, units: 2, kernel: [9, 1] }, [image]],
  ["graph/attribute-rank", { ...window, dilations: [1] }, [image]],
  ["graph/attribute-rank", { ...pooling, strides: [1] }, [image]],
  ["graph/padding-too-wide", { ...pooling, padding: { before: [0, 2], after: [0, 0] } }, [image]],
  [
    "graph/padding-too-wide",
    { ...window, transposed: true, padding: { before: [3, 0], after: [0, 0] } },
    [image],
  ],
  [
    "graph/padding-too-wide",
    { ...window, transposed: true, padding: { before: [2, 2], after: [2, 2] } },
    [[1, 6, 4]],
  ],
  ["graph/too-many-weights", { ...window, units: 65536 }, [[8, 8, 64]]],
  ["graph/too-many-weights", { kind: "dense", units: 65536 }, [[65536]]],
  ["graph/too-large", { kind: "upsample", factors: [300, 300] }, [image]],
  ["graph/wrong-rank", { kind: "dense", units: 3 }, [image]],
  ["graph/wrong-rank", window, [[8]]],
  ["graph/wrong-rank", pooling, [[2, 8, 6, 4]]],
  ["graph/operand-count", { kind: "add" }, [image]],
  ["graph/operand-count", { kind: "concat", axis: 0 }, [image]],
  ["graph/operand-count", { kind: "relu" }, [image, image]],
  ["graph/unlike-shapes", { kind: "add" }, [[4], [1]]],
  ["graph/unlike-shapes", { kind: "multiply" }, [image, [1, 4]]],
  ["graph/concat-shapes", { kind: "concat", axis: 3 }, [image, image]],
  ["graph/concat-shapes graph/concat-shapes", { kind: "concat", axis: 0 }, [image, [8, 6, 3], [8, 6]]],
  ["graph/slice-outside graph/slice-outside", { kind: "slice", begin: [8, 0, 3], sizes: [1, 6, 2] }, [image]],
  ["graph/reshape-elements", { kind: "reshape", sizes: [191] }, [image]],
  ["graph/bad-permutation", { kind: "transpose", permutation: [0, 1, 1] }, [image]],
])("%s %#", (codes, operator, inputs) => {
  const result = inferShape(operator, inputs);
  expect("problems" in result ? result.problems.map(({ code }) => code).join(" ") : result).toBe(codes);
});

test("the second of two operands may be one value for each channel", () => {
  expect(inferShape({ kind: "multiply" }, [image, [1, 1, 4]])).toEqual({ shape: image });
  expect(
    inferShape({ kind: "add" }, [
      [9, 4],
      [1, 4],
    ]),
  ).toEqual({ shape: [9, 4] });
});
