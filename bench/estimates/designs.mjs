// Made-up small networks of every kind that the compiler builds, each from its number: dense layers and convolutions of many
// sizes, foldings and widths, bipolar ones, pools, branches. Out: programs, and how they are to be folded.
import { createProgramBuilder, intFormat } from "../../dist/program/builder.js";
import { mantissaRange } from "../../dist/program/program.js";
import { createRandom } from "../../dist/support/random.js";

const BIPOLAR = { kind: "bipolar", width: 1, fraction: 0 };
const product = (numbers) => numbers.reduce((all, n) => all * n, 1);

/** Products of a cycle, by the bits of their operands: what keeps a design small enough to be synthesised in seconds. */
const MOST_PRODUCT_BITS = 32;

function divisorsOf(n) {
  return Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0);
}

/** A network from its number. `family` of networks by `index` modulo their count. */
export function designOf(index) {
  const random = createRandom("estimates", index);
  const pick = (list) => list[random.integer(0, list.length - 1)];
  const name = `design${index}`;
  const b = createProgramBuilder(name);
  const folding = {};
  const state = { b, random, pick, folding, layers: 0 };
  const kind = ["dense", "conv", "bipolar", "deep", "pool", "branch", "dense", "conv"][index % 8];
  MAKERS[kind](state);
  return {
    name,
    kind,
    program: b.build(),
    hardware: {
      clockMHz: 50,
      intervalCycles: state.interval ?? 100_000,
      folding,
      outputs: state.outputs ?? "class",
    },
  };
}

const numbers = (random, format, count) => {
  if (format.kind === "bipolar") return Array.from({ length: count }, () => random.integer(0, 1));
  const { min, max } = mantissaRange(format);
  // As trained weights are: more small ones than large ones.
  const spread = Math.max(1, (max - min) / 5);
  return Array.from({ length: count }, () =>
    Math.min(max, Math.max(min, Math.round(random.normal() * spread))),
  );
};

const widthOf = (format) => (format.kind === "bipolar" ? 1 : format.width);

function inputOf({ b, pick, random }, shape, format) {
  const own = format ?? intFormat(random.integer(0, 3) === 0, pick([2, 3, 4, 6, 8, 8]), 4);
  return { id: b.input({ name: "x", shape, format: own }), shape, format: own };
}

/** An input that a requantization brings to fewer bits, as trained models have it. */
function narrowed(state, shape) {
  const { b, pick, random } = state;
  const x = inputOf(state, shape, intFormat(false, 8, 8));
  if (random.integer(0, 2) === 0) return x;
  const format = intFormat(false, pick([1, 2, 3, 4, 5]), pick([3, 4, 5]));
  return { ...x, id: b.requantize({ layer: "entry", name: "entry", input: x.id, format }), format };
}

/** PE and SIMD that keep the products few. */
function foldOf({ random, pick }, pes, simds, bits) {
  for (let tries = 0; ; tries++) {
    const [pe, simd] = [pick(pes), pick(simds)];
    if (pe * simd * bits <= MOST_PRODUCT_BITS || tries > 60) return { pe, simd };
    if (tries > 40) return { pe: pes[0], simd: simds[random.integer(0, Math.min(1, simds.length - 1))] };
  }
}

const weightFormat = ({ pick }, kind) =>
  kind === "bipolar" ? BIPOLAR : intFormat(true, pick([2, 2, 3, 4, 5, 6, 8]), 3);

function dense(state, x, units, kind) {
  const { b, random, folding } = state;
  const layer = `fc${++state.layers}`;
  const inputs = product(x.shape);
  const id = x.shape.length > 1 ? b.flatten({ layer, name: `${layer}.flat`, input: x.id }) : x.id;
  const format = weightFormat(state, kind);
  const bits = widthOf(x.format) * format.width;
  const upTo = (n, most) => Array.from({ length: Math.min(n, most) }, (_, i) => i + 1);
  folding[layer] = foldOf(state, upTo(units, 6), upTo(inputs, 8), bits);
  const data = numbers(random, format, units * inputs);
  const bias =
    random.integer(0, 3) === 0
      ? undefined
      : numbers(random, intFormat(true, widthOf(x.format) + format.width, 0), units);
  const sums = b.dense({
    layer,
    name: `${layer}.sums`,
    input: id,
    weights: { units, data, format },
    ...(bias ? { bias } : {}),
  });
  return { id: sums, shape: [units], format: null, layer };
}

function conv(state, x, units, kernel, more = {}) {
  const { b, random, folding } = state;
  const layer = `conv${++state.layers}`;
  const channels = x.shape.at(-1);
  const groups = more.groups ?? 1;
  const format = weightFormat(state, more.kind);
  const bits = widthOf(x.format) * format.width;
  const taps = kernel * kernel;
  const simds = [
    ...divisorsOf(channels / groups),
    ...(random.integer(0, 3) === 0 ? [taps * (channels / groups)] : []),
  ];
  folding[layer] = foldOf(state, divisorsOf(units / groups), simds, bits);
  const data = numbers(random, format, units * taps * (channels / groups));
  const bias =
    random.integer(0, 2) === 0
      ? undefined
      : numbers(random, intFormat(true, widthOf(x.format) + format.width, 0), units);
  const pad = x.format.kind === "bipolar" || !more.same ? 0 : kernel >> 1;
  const sums = b.conv({
    layer,
    name: `${layer}.sums`,
    input: x.id,
    weights: { units, kernel: [kernel, kernel], data, format },
    padding: { before: [pad, pad], after: [pad, pad] },
    groups,
    ...(more.stride ? { strides: [more.stride, more.stride] } : {}),
    ...(bias ? { bias } : {}),
  });
  const size = (n) => Math.floor((n + 2 * pad - kernel) / (more.stride ?? 1)) + 1;
  return { id: sums, shape: [size(x.shape[0]), size(x.shape[1]), units], format: null, layer };
}

/** Sums to few bits: by shift and ReLU, by a shift of each channel, or by thresholds. */
function narrow(state, x, kind) {
  const { b, pick, random } = state;
  const { layer } = x;
  const of = (id, format) => ({ ...x, id, format });
  const width = b.values().find((v) => v.name === x.id).format.width;
  if (kind === "bipolar") {
    const thresholds = Array.from({ length: x.shape.at(-1) }, () =>
      random.integer(-(2 ** (width - 3)), 2 ** (width - 3)),
    );
    const name = `${layer}.signs`;
    return of(
      b.threshold({ layer, name, input: x.id, thresholds, levels: 1, base: 0, format: BIPOLAR }),
      BIPOLAR,
    );
  }
  if (random.integer(0, 3) === 0) {
    const bits = pick([1, 2, 2, 3]);
    const levels = 2 ** bits - 1;
    const most = 2 ** (width - 2);
    const row = () => Array.from({ length: levels }, () => random.integer(-most, most)).sort((p, q) => p - q);
    const thresholds = Array.from({ length: x.shape.at(-1) }, row).flat();
    const format = intFormat(false, bits, 0);
    return of(
      b.threshold({ layer, name: `${layer}.counts`, input: x.id, thresholds, levels, base: 0, format }),
      format,
    );
  }
  const relu = random.integer(0, 4) > 0;
  const bits = pick([1, 2, 3, 4, 5, 6, 8]);
  const fraction = b.values().find((v) => v.name === x.id).format.fraction;
  const format = intFormat(
    !relu && bits > 1,
    bits,
    fraction - Math.max(0, width - bits - random.integer(1, 3)),
  );
  const step = { layer, name: `${layer}.out`, input: x.id, format, activation: relu ? "relu" : "none" };
  return of(b.requantize(step), format);
}

function pool(state, x, kind, size = 2) {
  const { b } = state;
  const layer = `pool${++state.layers}`;
  const id = b.pool({ layer, name: layer, input: x.id, kind, window: [size, size] });
  return {
    ...x,
    id,
    layer,
    shape: [Math.floor(x.shape[0] / size), Math.floor(x.shape[1] / size), x.shape[2]],
  };
}

function classify(state, x) {
  const { b, random } = state;
  if (random.integer(0, 2) > 0) {
    const layer = x.layer;
    b.output("class", b.argmax({ layer, name: "class", input: x.id }), "class");
    if (random.integer(0, 2) === 0) {
      b.output("logits", x.id, "logits");
      state.outputs = "both";
    }
  } else {
    b.output("logits", x.id, "logits");
    state.outputs = "logits";
  }
}

const MAKERS = {
  dense(state) {
    const { random } = state;
    let x = narrowed(state, [random.integer(6, 56)]);
    const layers = random.integer(0, 1);
    for (let k = 0; k < layers; k++) x = narrow(state, dense(state, x, random.integer(3, 24)));
    classify(state, dense(state, x, random.integer(2, 10)));
  },
  deep(state) {
    const { random } = state;
    let x = narrowed(state, [random.integer(4, 16)]);
    for (let k = 0; k < 2; k++) x = narrow(state, dense(state, x, random.integer(2, 10)));
    classify(state, dense(state, x, random.integer(2, 10)));
  },
  bipolar(state) {
    const { random, pick } = state;
    const both = random.integer(0, 1) === 0;
    let x = narrowed(state, [random.integer(8, 120)]);
    x = narrow(
      state,
      dense(state, x, random.integer(8, 64), "bipolar"),
      both ? "bipolar" : pick(["bipolar", "other"]),
    );
    classify(state, dense(state, x, random.integer(2, 10), both ? "bipolar" : "other"));
  },
  conv(state) {
    const { random, pick } = state;
    const size = random.integer(5, 14);
    let x = narrowed(state, [size, size, pick([1, 1, 2, 3, 4])]);
    x = narrow(
      state,
      conv(state, x, pick([2, 3, 4, 6]), pick([1, 2, 3, 3]), {
        same: random.integer(0, 1) === 0,
        stride: pick([1, 1, 2]),
      }),
    );
    if (random.integer(0, 4) === 0) {
      const channels = x.shape[2];
      const depthwise = random.integer(0, 3) === 0;
      x = narrow(
        state,
        conv(state, x, depthwise ? channels : pick([2, 4, 6]), x.shape[0] >= 3 ? 3 : 1, {
          same: true,
          ...(depthwise ? { groups: channels } : {}),
        }),
      );
    }
    if (random.integer(0, 3) === 0) classify(state, dense(state, x, random.integer(2, 6)));
    else {
      state.b.output("map", x.id, "value");
      state.outputs = "logits";
    }
  },
  pool(state) {
    const { b, random, pick } = state;
    const size = 2 * random.integer(3, 7);
    let x = narrowed(state, [size, size, pick([1, 2, 3])]);
    x = narrow(
      state,
      conv(state, x, pick([2, 4, 6]), 3, { same: true, kind: pick(["other", "other", "bipolar"]) }),
    );
    x = pool(state, x, pick(["max", "max", "average"]));
    if (random.integer(0, 3) === 0 && x.shape[0] >= 3) x = narrow(state, conv(state, x, pick([2, 4]), 3));
    if (random.integer(0, 1) === 0) classify(state, dense(state, x, random.integer(2, 8)));
    else {
      b.output("map", x.id, "value");
      state.outputs = "logits";
    }
  },
  branch(state) {
    const { b, random, pick } = state;
    const size = random.integer(5, 12);
    const x = narrowed(state, [size, size, pick([1, 2, 3])]);
    const channels = pick([2, 4, 6]);
    const stem = narrow(state, conv(state, x, channels, 3, { same: true }));
    const left = narrow(state, conv(state, stem, channels, pick([1, 3, 3]), { same: true }));
    const layer = `add${++state.layers}`;
    const fraction = stem.format.fraction;
    const aligned = b.requantize({
      layer,
      name: `${layer}.aligned`,
      input: left.id,
      format: intFormat(true, 6, fraction),
    });
    const id = b.add({ layer, name: `${layer}.sum`, inputs: [aligned, stem.id] });
    const joined = narrow(state, { ...stem, id, layer });
    b.output("map", joined.id, "value");
    state.outputs = "logits";
  },
};
