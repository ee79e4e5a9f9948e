// Imported models as their operators say it, in real numbers: the reference that exact lowering is compared with. Written
// for any arithmetic: doubles, integers of 2^-400 that say how near a tie is, and fractions, which decide it where no root
// is taken. It shares nothing with the code that it judges.
import type { ImportedModel, ImportedNode, Quantizer, QuantRounding } from "../../../../graph/imported.ts";

export interface Arithmetic<T> {
  of(value: number): T;
  add(a: T, b: T): T;
  subtract(a: T, b: T): T;
  multiply(a: T, b: T): T;
  divide(a: T, b: T): T;
  root(a: T): T;
  exp(a: T): T;
  floor(a: T): T;
  less(a: T, b: T): boolean;
  toNumber(a: T): number;
}

export const DOUBLES: Arithmetic<number> = {
  of: (value) => value,
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  root: Math.sqrt,
  exp: Math.exp,
  floor: Math.floor,
  less: (a, b) => a < b,
  toNumber: (a) => a,
};

const BITS = 400n;

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

function squareRoot(value: bigint): bigint {
  let root = 1n << BigInt(value.toString(2).length);
  for (;;) {
    const next = (root + value / root) / 2n;
    if (next >= root) return root;
    root = next;
  }
}

/** e^(a * 2^-400): the series of a 2^-64th of it, squared 64 times with as many bits more. */
function exponential(a: bigint): bigint {
  const bits = BITS + 160n;
  const part = (a << (bits - BITS)) >> 64n;
  let [sum, term] = [1n << bits, 1n << bits];
  for (let n = 1n; term !== 0n && term !== -1n; n++) {
    term = floorDivide((term * part) >> bits, n);
    sum += term;
  }
  for (let i = 0; i < 64; i++) sum = (sum * sum) >> bits;
  return sum >> (bits - BITS);
}

/** Integers of 2^-400: exact for sums, off by a unit or so for the rest. */
export const FINE: Arithmetic<bigint> = {
  of(value) {
    let [scaled, exponent] = [value, 0n];
    while (!Number.isInteger(scaled)) {
      scaled *= 2;
      exponent++;
    }
    return (BigInt(scaled) << BITS) >> exponent;
  },
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => (a * b) >> BITS,
  divide: (a, b) => floorDivide(a << BITS, b),
  root: (a) => squareRoot(a << BITS),
  exp: exponential,
  floor: (a) => (a >> BITS) << BITS,
  less: (a, b) => a < b,
  toNumber: (a) => Number(a >> (BITS - 60n)) / 2 ** 60,
};

interface Fraction {
  readonly n: bigint;
  /** Above 0. */
  readonly d: bigint;
}

function fraction(n: bigint, d: bigint): Fraction {
  let [a, b] = [n < 0n ? -n : n, d < 0n ? -d : d];
  while (b > 0n) [a, b] = [b, a % b];
  const by = d < 0n ? -a : a;
  return { n: n / by, d: d / by };
}

/** Fractions of integers: nothing is off at all. Roots of squares alone. */
export const FRACTIONS: Arithmetic<Fraction> = {
  of(value) {
    let [scaled, d] = [value, 1n];
    while (!Number.isInteger(scaled)) {
      scaled *= 2;
      d *= 2n;
    }
    return fraction(BigInt(scaled), d);
  },
  add: (a, b) => fraction(a.n * b.d + b.n * a.d, a.d * b.d),
  subtract: (a, b) => fraction(a.n * b.d - b.n * a.d, a.d * b.d),
  multiply: (a, b) => fraction(a.n * b.n, a.d * b.d),
  divide: (a, b) => fraction(a.n * b.d, a.d * b.n),
  root(a) {
    const root = fraction(squareRoot(a.n), squareRoot(a.d));
    if (root.n ** 2n !== a.n || root.d ** 2n !== a.d) throw new Error("no fraction is this root");
    return root;
  },
  exp() {
    throw new Error("no fraction is a power of e");
  },
  floor: (a) => ({ n: floorDivide(a.n, a.d), d: 1n }),
  less: (a, b) => a.n * b.d < b.n * a.d,
  toNumber: (a) => FINE.toNumber((a.n << BITS) / a.d),
};

/** Values of every node, by name; row-major, channels last. Of argmax the index. */
export type Values<T> = ReadonlyMap<string, readonly T[]>;

const at = <T>(values: ArrayLike<T>, c: number): T => (values.length === 1 ? values[0]! : values[c]!);

/** One inference. */
export function evaluate<T>(
  model: ImportedModel,
  inputs: ReadonlyMap<string, readonly number[]>,
  math: Arithmetic<T>,
): Values<T> {
  const values = new Map<string, readonly T[]>();
  const shapes = new Map(model.nodes.map((node) => [node.name, node.shape]));
  for (const node of model.nodes) {
    if (node.kind === "input") {
      values.set(node.name, inputs.get(node.name)!.map(math.of));
      continue;
    }
    const names = "inputs" in node ? node.inputs : [node.input];
    const operands = names.map((name) => ({ data: values.get(name)!, shape: shapes.get(name)! }));
    values.set(node.name, evaluateNode(node, operands, model, math));
  }
  return values;
}

interface Operand<T> {
  readonly data: readonly T[];
  readonly shape: readonly number[];
}

/** What the formula of a quantizer makes of one number. */
export function quantizeOne<T>(x: T, q: Quantizer, c: number, math: Arithmetic<T>): T {
  const scale = math.of(at(q.scale, c));
  const zero = math.of(0);
  if (q.kind === "bipolar") return math.less(x, zero) ? math.subtract(zero, scale) : scale;
  const point = math.of(at(q.zeroPoint, c));
  const m = roundOne(math.add(math.divide(x, scale), point), q.rounding, math);
  const [least, greatest] = [math.of(q.least), math.of(q.greatest)];
  const clamped = math.less(m, least) ? least : math.less(greatest, m) ? greatest : m;
  return math.multiply(math.subtract(clamped, point), scale);
}

/** The rounding modes by their definitions. */
export function roundOne<T>(y: T, rounding: QuantRounding, math: Arithmetic<T>): T {
  const one = math.of(1);
  const half = math.of(0.5);
  const zero = math.of(0);
  const negative = math.less(y, zero);
  const down = math.floor(y);
  const exact = !math.less(down, y);
  const up = exact ? down : math.add(down, one);
  const rest = math.subtract(y, down);
  const nearest = (tie: T): T => (math.less(rest, half) ? down : math.less(half, rest) ? up : tie);
  switch (rounding) {
    case "FLOOR":
      return down;
    case "CEIL":
      return up;
    case "UP":
      return negative ? down : up;
    case "DOWN":
    case "ROUND_TO_ZERO":
      return negative ? up : down;
    case "HALF_UP":
      return nearest(negative ? down : up);
    case "HALF_DOWN":
      return nearest(negative ? up : down);
    case "ROUND":
      return nearest(Math.abs(math.toNumber(down)) % 2 === 0 ? down : up);
    case "HALF_ODD":
      return nearest(Math.abs(math.toNumber(down)) % 2 === 0 ? up : down);
  }
}

function evaluateNode<T>(
  node: Exclude<ImportedNode, { kind: "input" }>,
  operands: readonly Operand<T>[],
  model: ImportedModel,
  math: Arithmetic<T>,
): readonly T[] {
  const { data, shape } = operands[0]!;
  const channels = shape.at(-1)!;
  const each = (f: (x: T, c: number) => T): readonly T[] => data.map((x, i) => f(x, i % channels));
  const { of, add, subtract, multiply, divide, less } = math;
  const zero = of(0);
  const clamp = (x: T, low: number, high: number): T =>
    less(x, of(low)) ? of(low) : less(of(high), x) ? of(high) : x;
  switch (node.kind) {
    case "norm":
      return each((x, c) => {
        const deviation = math.root(add(of(at(node.variance, c)), of(node.epsilon)));
        const centred = subtract(x, of(at(node.mean, c)));
        return add(divide(multiply(of(at(node.scale, c)), centred), deviation), of(at(node.bias, c)));
      });
    case "affine":
      return each((x, c) => {
        const { divisor } = node;
        const scaled = divisor ? divide(x, of(at(divisor, c))) : multiply(x, of(at(node.gain, c)));
        return add(scaled, of(at(node.offset, c)));
      });
    case "quantize":
      return each((x, c) => quantizeOne(x, node.quantizer, c, math));
    case "multithreshold": {
      const levels = node.thresholds.length / node.channels;
      return each((x, c) => {
        const row = node.channels === 1 ? 0 : c;
        let reached = 0;
        for (let k = 0; k < levels; k++) if (!less(x, of(node.thresholds[row * levels + k]!))) reached++;
        return add(multiply(of(node.outScale), of(reached)), of(node.outBias));
      });
    }
    case "trunc":
      return each((x, c) => {
        const [scale, point] = [of(at(node.scale, c)), of(at(node.zeroPoint, c))];
        const inner = roundOne(add(divide(x, scale), point), "ROUND", math);
        const cut = divide(inner, of(2 ** (node.inputWidth - node.outputWidth)));
        return multiply(subtract(roundOne(cut, node.rounding, math), point), scale);
      });
    case "relu":
      return each((x) => (less(x, zero) ? zero : x));
    case "relu6":
      return each((x) => clamp(x, 0, 6));
    case "hardtanh":
      return each((x) => clamp(x, -1, 1));
    case "hardsigmoid":
      return each((x) => clamp(add(divide(x, of(6)), of(0.5)), 0, 1));
    case "hardswish":
      return each((x) => multiply(x, clamp(add(divide(x, of(6)), of(0.5)), 0, 1)));
    case "leaky_relu":
      return each((x) => (less(x, zero) ? multiply(x, of(node.slope)) : x));
    case "sigmoid":
      return each((x) => divide(of(1), add(of(1), math.exp(subtract(zero, x)))));
    case "tanh":
      return each((x) => {
        const [up, down] = [math.exp(x), math.exp(subtract(zero, x))];
        return divide(subtract(up, down), add(up, down));
      });
    case "elu":
      return each((x) => {
        const below = multiply(of(node.alpha), subtract(math.exp(less(x, zero) ? x : zero), of(1)));
        return multiply(of(node.scale), less(x, zero) ? below : x);
      });
    case "sign":
      return each((x) => of(less(x, zero) ? -1 : 1));
    case "step":
      return each((x) => of(less(x, zero) ? 0 : 1));
    case "dense":
    case "conv":
      return weighted(node, operands[0]!, model, math);
    case "pool":
      return pooled(node, operands[0]!, math);
    case "reshape":
    case "flatten":
      return data;
    case "add":
    case "subtract":
    case "multiply": {
      const other = operands[1]!.data;
      return data.map((x, i) => math[node.kind](x, other[i % other.length]!));
    }
    case "concat":
      return places(node.shape).map((place) => {
        let [part, offset] = [0, place[node.axis]!];
        while (offset >= operands[part]!.shape[node.axis]!) offset -= operands[part++]!.shape[node.axis]!;
        const own = operands[part]!;
        return own.data[indexOf(place.with(node.axis, offset), own.shape)]!;
      });
    case "slice":
      return places(node.shape).map(
        (place) =>
          data[
            indexOf(
              place.map((p, a) => p + node.begin[a]!),
              shape,
            )
          ]!,
      );
    case "pad":
      return places(node.shape).map((place) => {
        const source = place.map((p, a) => p - node.padding.before[a]!);
        return isInside(source, shape) ? data[indexOf(source, shape)]! : of(node.value);
      });
    case "transpose":
      return places(node.shape).map((place) => {
        const source = new Array<number>(place.length);
        for (const [i, axis] of node.permutation.entries()) source[axis] = place[i]!;
        return data[indexOf(source, shape)]!;
      });
    case "upsample":
      return places(node.shape).map(
        (place) =>
          data[
            indexOf(
              place.map((p, a) => (a < node.factors.length ? Math.floor(p / node.factors[a]!) : p)),
              shape,
            )
          ]!,
      );
    case "argmax": {
      const rows = data.length / channels;
      return Array.from({ length: rows }, (_, r) => {
        let best = 0;
        for (let c = 1; c < channels; c++)
          if (less(data[r * channels + best]!, data[r * channels + c]!)) best = c;
        return of(best);
      });
    }
    default:
      throw new Error(`no reference for ${node.kind}`);
  }
}

function places(shape: readonly number[]): number[][] {
  const count = shape.reduce((a, b) => a * b, 1);
  return Array.from({ length: count }, (_, e) => {
    const place: number[] = [];
    for (let a = shape.length - 1, rest = e; a >= 0; a--) {
      place.unshift(rest % shape[a]!);
      rest = Math.floor(rest / shape[a]!);
    }
    return place;
  });
}

const indexOf = (place: readonly number[], shape: readonly number[]): number =>
  place.reduce((index, p, a) => index * shape[a]! + p, 0);

const isInside = (place: readonly number[], shape: readonly number[]): boolean =>
  place.every((p, a) => p >= 0 && p < shape[a]!);

function weighted<T>(
  node: Extract<ImportedNode, { kind: "dense" | "conv" }>,
  { data, shape }: Operand<T>,
  model: ImportedModel,
  math: Arithmetic<T>,
): readonly T[] {
  const { weights, weightQuantizer, bias, biasQuantizer } = model.constants.get(node.name)!;
  const { add, multiply } = math;
  const { units } = node;
  const row = weights.length / units;
  const real = Array.from(weights, (w, i) =>
    weightQuantizer ? quantizeOne(math.of(w), weightQuantizer, Math.floor(i / row), math) : math.of(w),
  );
  const start = Array.from({ length: units }, (_, u) => {
    if (!bias) return math.of(0);
    return biasQuantizer ? quantizeOne(math.of(bias[u]!), biasQuantizer, u, math) : math.of(bias[u]!);
  });
  if (node.kind === "dense")
    return start.map((first, u) =>
      data.reduce((sum, x, i) => add(sum, multiply(real[u * row + i]!, x)), first),
    );
  const { kernel, strides, dilations, padding, groups, transposed } = node;
  const share = shape.at(-1)! / groups;
  const taps = places(kernel);
  return places(node.shape).map((place) => {
    const u = place.at(-1)!;
    const first = Math.floor(u / (units / groups)) * share;
    let sum: T = start[u]!;
    for (const [k, tap] of taps.entries()) {
      const source = tap.map((t, a) => {
        if (!transposed) return place[a]! * strides[a]! + t * dilations[a]! - padding.before[a]!;
        // Every position adds its window to the result.
        const from = place[a]! + padding.before[a]! - t * dilations[a]!;
        return from % strides[a]! === 0 ? from / strides[a]! : -1;
      });
      if (!isInside(source, shape)) continue;
      for (let c = 0; c < share; c++)
        sum = add(
          sum,
          multiply(real[u * row + k * share + c]!, data[indexOf([...source, first + c], shape)]!),
        );
    }
    return sum;
  });
}

function pooled<T>(
  node: Extract<ImportedNode, { kind: "pool" }>,
  { data, shape }: Operand<T>,
  math: Arithmetic<T>,
): readonly T[] {
  const taps = places(node.window);
  return places(node.shape).map((place) => {
    const found: T[] = taps
      .map((tap) => [
        ...tap.map((t, a) => place[a]! * node.strides[a]! + t - node.padding.before[a]!),
        place.at(-1)!,
      ])
      .filter((source) => isInside(source, shape))
      .map((source) => data[indexOf(source, shape)] as T);
    if (node.pooling === "max") return found.reduce<T>((a, b) => (math.less(a, b) ? b : a), found[0]!);
    return math.divide(found.reduce<T>(math.add, math.of(0)), math.of(taps.length));
  });
}
