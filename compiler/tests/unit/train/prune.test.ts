// What carries no signal leaves the network: what takes its place, who else goes, and what the outputs do.
import { beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../../../support/random.ts";
import type { TensorFlow } from "../../../support/tensorflow.ts";
import { decodeCheckpoint } from "../../../train/checkpoint.ts";
import { type Formats, type WeightFormat, withWeights } from "../../../train/formats.ts";
import type { Frozen } from "../../../train/limits.ts";
import { networkOf } from "../../../train/network.ts";
import { initialParameters } from "../../../train/parameters.ts";
import { outputsOf, rawSignals } from "../../../train/passes.ts";
import { audible, constantElements, keptInputs, momentsOf, prune } from "../../../train/prune.ts";
import { equalize, roundedPass, withoutChannels } from "../../../train/rounding-phase.ts";
import { mayBeSilent, silentSteps } from "../../../train/silence.ts";
import { stepPerRow } from "../../../train/step-map.ts";
import {
  chainGraph,
  clouds,
  type LayerWord,
  onePort,
  openWasm,
  record,
  request,
  type SpecChanges,
  spec,
  UNSIGNED,
} from "./small-data.ts";

let tf: TensorFlow;
beforeAll(async () => {
  tf = await openWasm();
});

const ELEMENTS = 8;
const ROWS = 64;
/** Elements that never change, and one whose changes are below its noise. */
const CONSTANT = [1, 6];
const SILENT = 3;
const random = createRandom("prune");
const inputs = Float32Array.from({ length: ROWS * ELEMENTS }, (_, i) => {
  const k = i % ELEMENTS;
  if (CONSTANT.includes(k)) return k === 1 ? 0.37 : 0;
  return k === SILENT ? 0.5 + (random.uniform() - 0.5) * 0.02 : random.uniform();
});
const batch = { count: ROWS, inputs: [inputs], answers: [{ labels: new Int32Array(ROWS), values: null }] };

interface Net {
  readonly frozen: Frozen;
  readonly training: ReturnType<typeof spec>;
}

/** A frozen network with 4-bit inputs; unit 2 of the first layer is far off to one side. */
function netOf(
  words: readonly LayerWord[],
  far: number,
  changes: SpecChanges = {},
  weight: Partial<WeightFormat> = {},
): Net {
  const graph = chainGraph([ELEMENTS], UNSIGNED, words);
  const network = networkOf(graph);
  const parameters = initialParameters(network, 7);
  for (const [name, values] of Object.entries(parameters)) {
    if (/bias|shift|mean/.test(name)) values.set(values.map(() => random.normal() * 0.2));
    if (/gain|variance/.test(name)) values.set(values.map(() => 0.6 + random.uniform()));
  }
  (parameters["0.bias"] ?? parameters["0.shift"]!)[2] = far;
  const formats: Formats = {
    weights: network.layers.map(() => ({
      kind: "int",
      signed: true,
      width: 6,
      fraction: 4,
      groups: null,
      ...weight,
    })),
    signals: network.signals.map(({ activation, signed }) => {
      const discrete = activation === "sign" || activation === "step";
      return {
        kind: activation === "sign" ? "bipolar" : "int",
        signed: !discrete && signed,
        width: discrete ? 1 : 4,
        fraction: discrete ? 0 : signed ? 3 : 4,
      };
    }),
  };
  const frozen = { network, parameters, formats, kept: network.signals.map(() => null) };
  return { frozen, training: spec(graph, changes) };
}

function outputs({ frozen, training }: Net): Float32Array {
  const kept = keptInputs(frozen, batch);
  return outputsOf(tf, ROWS, kept, roundedPass(frozen, training, "running"))[0]!;
}

function expectClose(found: Float32Array, expected: Float32Array, within: number): void {
  expect(found.length).toBe(expected.length);
  expect(Math.max(...found.map((x, i) => Math.abs(x - expected[i]!)))).toBeLessThanOrEqual(within);
  expect(new Set(expected).size).toBeGreaterThan(6);
}

const CHAINS: readonly (readonly [readonly LayerWord[], readonly number[]])[] = [
  // Far below, a relu is always 0; the others are always at one of their ends.
  [[6, "relu", 5, "relu", 3], [-50]],
  [
    [6, "hardtanh", 5, "relu", 3],
    [-50, 50],
  ],
  [
    [6, "sign", 5, "relu", 3],
    [-50, 50],
  ],
  [
    [6, "step", 5, "relu", 3],
    [-50, 50],
  ],
  [[6, "batchnorm", "relu", 5, "relu", 3], [-50]],
  [
    [6, "batchnorm", "hardtanh", 5, "batchnorm", "relu", 3],
    [-50, 50],
  ],
  [
    [6, "batchnorm", "sign", 5, "relu", 3],
    [-50, 50],
  ],
];

describe.each(CHAINS.flatMap(([words, fars]) => fars.map((far) => ({ words, far }))))(
  "$words with a unit at $far",
  ({ words, far }) => {
    test("loses constants without any change of its outputs", () => {
      const net = netOf(words, far);
      const before = outputs(net);
      const moments = momentsOf(tf, net.frozen, net.training, batch);
      const kept = Array.from({ length: ELEMENTS }, (_, k) => k).filter((k) => !CONSTANT.includes(k));
      let { frozen } = net;
      frozen = withoutChannels(frozen, 0, kept, moments[0]!.mean);
      frozen = withoutChannels(frozen, 1, [0, 1, 3, 4, 5], moments[1]!.mean);
      expectClose(outputs({ ...net, frozen }), before, 1e-5);
      expect(frozen.kept.slice(0, 2)).toEqual([kept, [0, 1, 3, 4, 5]]);
    });

    test("is pruned of them, of what is below its noise, and of the units that nobody reads", () => {
      const net = netOf(words, far);
      const frozen = prune(tf, net.frozen, net.training, batch);
      expect(frozen.kept[0]).toEqual([0, 2, 4, 5, 7]);
      expect(frozen.kept[1]).not.toContain(2);
      const [first, second] = frozen.network.layers;
      expect(first).toMatchObject({ inputs: 5, units: frozen.kept[1]!.length });
      expect(second!.inputs).toBe(frozen.kept[1]!.length);
      for (const [name, values] of Object.entries(frozen.parameters)) {
        if (name.startsWith("0.")) expect(values.length).toBe(first!.units * (name === "0.weights" ? 5 : 1));
      }
    });
  },
);

describe("pruning", () => {
  test("of an input below its noise changes the outputs by no more than its noise does", () => {
    const net = netOf([5], 0);
    const frozen = prune(tf, net.frozen, net.training, batch);
    const before = outputs(net);
    const squares = outputs({ ...net, frozen }).reduce((sum, x, i) => sum + (x - before[i]!) ** 2, 0);
    const column = [0, 1, 2, 3, 4].map((u) => net.frozen.parameters["0.weights"]![u * ELEMENTS + SILENT]!);
    const size = Math.hypot(...column);
    // Its rounded values are at most one step apart.
    expect(Math.sqrt(squares / ROWS)).toBeLessThanOrEqual(0.51 * size * 2 ** -4);
  });

  test("is off where the layer says so", () => {
    const net = netOf([6, "relu", 3], -50, { prune: false });
    expect(prune(tf, net.frozen, net.training, batch)).toBe(net.frozen);
    const one = netOf([6, "relu", 3], -50, { layers: { n0: { prune: false } } });
    expect(prune(tf, one.frozen, one.training, batch).kept.map((k) => k === null)).toEqual([true, false]);
  });

  test("goes by deviation against the element's own noise, whatever the mean", () => {
    const deviation = Float64Array.of(0, 0.1, 0.2, 0.30001, 5);
    expect(
      audible({ deviation, mean: new Float64Array(5).fill(100), noise: new Float64Array(5).fill(0.3) }),
    ).toEqual([3, 4]);
    const { frozen, training } = netOf([6, "relu", 3], -50);
    const [entering] = momentsOf(tf, frozen, training, batch);
    // Values are rounded but for exact zeros and clamped ones, which leave no residue.
    const alpha = 2 ** -4 / Math.sqrt(12);
    for (const noise of entering!.noise) expect(noise).toBeLessThanOrEqual(alpha);
    expect(entering!.noise[1]).toBeCloseTo(alpha, 12);
    expect(entering!.deviation[1]).toBeCloseTo(0, 6);
    // What takes its place is what the integers had: 6/16.
    expect(entering!.mean[1]).toBeCloseTo(0.375, 12);
    expect(entering!.deviation[0]).toBeCloseTo(1 / Math.sqrt(12), 1);
  });

  test("of everything is an error that names the layer", () => {
    const { frozen, training } = netOf([6, "relu", 3], 0);
    const still = { ...batch, inputs: [inputs.map(() => 0.5)] };
    expect(() => prune(tf, frozen, training, still)).toThrow(
      /pruned to nothing: none of the 8 inputs of layer n0/,
    );
    // A network whose first layer is always below 0.
    const dead = {
      ...frozen,
      parameters: { ...frozen.parameters, "0.bias": new Float32Array(6).fill(-99) },
    };
    expect(() => prune(tf, dead, training, batch)).toThrow(/none of the 6 inputs of layer n2/);
  });

  test("of everything is no end of a lossless search while something varies", () => {
    const { frozen, training } = netOf([6, "relu", 3], 0);
    const [entering, ...others] = frozen.formats.signals;
    const coarse = { ...entering!, width: 1, fraction: -3 };
    const loud = { ...frozen, formats: { ...frozen.formats, signals: [coarse, ...others] } };
    const small = { ...batch, inputs: [inputs.map((x, i) => (i % 2 === 0 ? 3.9 + x / 8 : x / 8))] };
    expect(() => prune(tf, loud, training, small)).toThrow(/pruned to nothing/);
    const searching = { ...training, objective: { kind: "lossless", epsilon: null } } as const;
    expect(prune(tf, loud, searching, small).kept[0]).toBe(null);
    const still = { ...batch, inputs: [inputs.map(() => 0.5)] };
    expect(() => prune(tf, frozen, searching, still)).toThrow(/pruned to nothing/);
  });

  test("twice names elements of the graph", () => {
    const { frozen } = netOf([6, "relu", 3], 0);
    const zeros = new Float64Array(ELEMENTS);
    const once = withoutChannels(frozen, 0, [0, 2, 4, 5, 7], zeros);
    expect(withoutChannels(once, 0, [1, 4], zeros).kept[0]).toEqual([2, 7]);
  });

  test.each([
    ["channel", { fraction: [4, 5, 3, 4, 2, 5] }],
    ["group", { groups: { size: 3, shifts: [0, 2, 1] } }],
    ["bipolar layer", { kind: "bipolar", signed: false, width: 1, fraction: 1 }],
  ] as const satisfies readonly (readonly [string, Partial<WeightFormat>])[])(
    "keeps the weights' format of each %s",
    (_, weight) => {
      const net = netOf([6, "relu", 3], -50, {}, weight);
      const plain = { kind: "int", signed: true, fraction: 4, groups: null, width: 6 } as const;
      const frozen = { ...net.frozen, formats: withWeights(net.frozen.formats, 1, plain) };
      const moments = momentsOf(tf, frozen, net.training, batch);
      const inner = withoutChannels(frozen, 0, [0, 2, 3, 4, 5, 7], moments[0]!.mean);
      const left = withoutChannels(inner, 1, [0, 1, 3, 4, 5], moments[1]!.mean);
      expectClose(outputs({ ...net, frozen: left }), outputs({ ...net, frozen }), 1e-5);
    },
  );

  test("with a trained bias step of each unit keeps those of the kept ones", () => {
    const net = netOf([6, "relu", 3], -50);
    net.frozen.parameters["0.biasLogStep"] = Float32Array.of(-9, -8, -1, -7, -6, -5);
    const { mean } = momentsOf(tf, net.frozen, net.training, batch)[1]!;
    const left = withoutChannels(net.frozen, 1, [0, 1, 3, 4, 5], mean);
    expect([...left.parameters["0.biasLogStep"]!]).toEqual([-9, -8, -7, -6, -5]);
    expectClose(outputs({ ...net, frozen: left }), outputs(net), 1e-5);
  });

  test("finds elements that never change", () => {
    expect(constantElements(inputs, ROWS)).toEqual(CONSTANT);
    expect(constantElements([1, 2, 3, 1, 2, 4], 2)).toEqual([0, 1]);
  });
});

describe("channels with steps of their own are brought to one", () => {
  test.each([
    { words: [6, "relu", 5, "relu", 3], biasSteps: null },
    { words: [6, "batchnorm", "relu", 5, "relu", 3], biasSteps: null },
    { words: [6, "relu", 5, "relu", 3], biasSteps: [-3] },
    { words: [6, "relu", 5, "relu", 3], biasSteps: [-3, -4, -2, -3, -5, -2] },
  ] as const)("$words, bias steps $biasSteps: the function stays", ({ words, biasSteps }) => {
    const { frozen, training } = netOf(words, 0.2);
    if (biasSteps) frozen.parameters["0.biasLogStep"] = Float32Array.from(biasSteps);
    const shifts = [0, 1, 2, 0, 3, 1];
    const behind = (f: Frozen): Float32Array =>
      rawSignals(tf, ROWS, [inputs], roundedPass(f, training, "running"))[1]!;
    const before = behind(frozen);
    const parameters = Object.fromEntries(
      Object.entries(frozen.parameters).map(([name, values]) => [name, values.slice()]),
    );
    equalize(frozen.network, parameters, 1, shifts);
    const weight = frozen.formats.weights[0]!;
    const { batchNorm } = frozen.network.layers[0]!;
    const fraction = batchNorm ? weight.fraction : shifts.map((s) => (weight.fraction as number) + s);
    const formats = withWeights(frozen.formats, 0, { ...weight, fraction });
    behind({ ...frozen, parameters, formats }).forEach((x, i) => {
      expect(x * 2 ** shifts[i % 6]!).toBeCloseTo(before[i]!, 4);
    });
    // The layer after it reads each channel larger by as much.
    parameters["1.weights"]!.forEach((w, i) => {
      expect(w).toBe(frozen.parameters["1.weights"]![i]! * 2 ** shifts[i % 6]!);
    });
  });
});

describe("weights below their own noise", () => {
  const FIRST = {
    n0: { weights: { granularity: { kind: "group", size: 2 }, bits: { min: 2, max: 8 } } },
  } as const;
  const UNITS = { n0: { weights: { granularity: { kind: "channel" }, bits: { min: 2, max: 8 } } } } as const;

  test("of a group take its inputs, of a channel its unit", () => {
    const groups = netOf([6, "relu", 3], 0, { layers: FIRST });
    const kept = prune(tf, groups.frozen, groups.training, batch, [[false, false, true, false], null]).kept;
    // Elements 1, 3 and 6 are silent themselves; 4 and 5 are the group's.
    expect(kept[0]).toEqual([0, 2, 7]);
    const units = netOf([6, "relu", 3], 0, { layers: UNITS });
    const silent = [false, true, false, false, true, false];
    const left = prune(tf, units.frozen, units.training, batch, [silent, null]);
    expect(left.kept[1]).not.toContain(1);
    expect(left.kept[1]).not.toContain(4);
    expect(left.network.layers[0]!.units).toBe(left.kept[1]!.length);
  });

  test("that are all zero take inputs and units where the alpha is not the whole layer's", () => {
    const zeroed = (changes: SpecChanges) => {
      const net = netOf([6, "relu", 3], 0, changes);
      net.frozen.parameters["0.weights"]!.forEach((_, i, w) => {
        if (i % ELEMENTS === 4 || Math.floor(i / ELEMENTS) === 5) w[i] = 0.001;
      });
      return prune(tf, net.frozen, net.training, batch).kept;
    };
    for (const layers of [FIRST, UNITS]) {
      const [inputs, units] = zeroed({ layers });
      expect(inputs).not.toContain(4);
      expect(units).not.toContain(5);
      expect(zeroed({ layers, prune: false })[1]).toBeNull();
    }
    expect(zeroed({})[0]).toContain(4);
  });

  test("are those whose rms is at most alpha, but for the loudest; only where layers prune", () => {
    const { frozen, training } = netOf([6, "relu", 3], 0, { layers: UNITS });
    const off = spec(chainGraph([ELEMENTS], UNSIGNED, [6, "relu", 3]), { layers: UNITS, prune: false });
    expect([0, 1].map((i) => mayBeSilent(frozen.network, training, i))).toEqual([true, false]);
    expect(
      mayBeSilent(frozen.network, { ...off, layers: { ...off.layers, n0: training.layers.n0! } }, 0),
    ).toBe(false);
    const alpha = 1 / Math.sqrt(12);
    const q = (rms: readonly number[]) => ({
      signed: true,
      forward: "noise" as const,
      map: stepPerRow(rms.length, ELEMENTS),
      ranges: rms.map((r) => 2 * r * alpha),
      steps: rms.map(() => 1),
      canBeSilent: true,
    });
    expect(silentSteps(q([0.99, 1.01, 5]))).toEqual([true, false, false]);
    expect(silentSteps(q([0.2, 0.9, 0.1]))).toEqual([true, false, true]);
    expect(silentSteps({ ...q([0.2, 0.9]), canBeSilent: false })).toEqual([false, false]);
  });

  test("are found in training where half of the inputs carry nothing", async () => {
    const noisy = (count: number, seed: number) => {
      const told = clouds(count, [8], 3, UNSIGNED, seed);
      const noise = createRandom("nothing", seed);
      const { inputs: x } = onePort(told);
      for (let i = 0; i < x.length; i++) if (i % 8 >= 4) x[i] = noise.integer(0, 255);
      return told;
    };
    const kept = async (prune: boolean) => {
      const graph = chainGraph([8], UNSIGNED, [12, "relu", 3, "argmax"]);
      const layers = {
        n0: { ...FIRST.n0, input: { granularity: "layer" as const, bits: { min: 4, max: 8 } }, prune },
      };
      // Below what the widths allow with every input: 132 x 2 x 4.
      const training = {
        limits: { bitOperations: 300 },
        input: { bits: { min: 4, max: 8 } },
        epochs: { float: 3, noise: 20, rounding: 2 },
        layers,
      };
      const { result, log, saved } = await record(
        tf,
        request({ graph, samples: noisy(600, 1), validation: noisy(150, 2), training }),
      );
      const [, inputs] = /^frozen: .* weights\/inputs \S+ \((\d+)-/.exec(
        log.find((l) => l.startsWith("frozen"))!,
      )!;
      const elements = decodeCheckpoint(saved.at(-1)!).checkpoint.frozen!.kept[0] ?? [...new Array(8).keys()];
      return { atFreeze: Number(inputs), elements, accuracy: result.trained.validation.quantized.accuracy! };
    };
    const pruned = await kept(true);
    expect(pruned.atFreeze).toBeLessThanOrEqual(6);
    // The last group carries nothing.
    expect(pruned.elements).not.toContain(6);
    expect(pruned.elements).not.toContain(7);
    expect(pruned.accuracy).toBeGreaterThan(0.8);
    expect((await kept(false)).atFreeze).toBe(8);
  });
});
