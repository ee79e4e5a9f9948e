// Bit allocation with tools that only know formats: bounds, what it prefers, and which networks it may reach.
import { describe, expect, test } from "vitest";
import type { LayerQuantization } from "../../../graph/project.ts";
import { type AllocationTools, allocate, type Fill, WELL_FILLED } from "../../../train/allocate.ts";
import { bitOperationsOf, type Frozen, fillOf, weightBitsOf, widthsOf } from "../../../train/limits.ts";
import { larger, smaller } from "../../../train/moves.ts";
import { networkOf } from "../../../train/network.ts";
import { initialParameters } from "../../../train/parameters.ts";
import type { SignalMoments } from "../../../train/prune.ts";
import { chainGraph, type LayerWord, type SpecChanges, spec, UNSIGNED } from "./small-data.ts";

const WORDS: readonly LayerWord[] = [12, "relu", 10, "batchnorm", "hardtanh", 8, "sign", 5];
const graph = chainGraph([16], UNSIGNED, WORDS);
const network = networkOf(graph);

/** A network of these widths everywhere. */
function frozenWith(weight: number, activation: number): Frozen {
  return {
    network,
    parameters: initialParameters(network, 1),
    formats: {
      weights: network.layers.map(() => ({
        kind: "int",
        signed: true,
        width: weight,
        fraction: weight,
        groups: null,
      })),
      signals: network.signals.map(({ activation: kind, signed, normalized }) => {
        if (kind === "sign") return { kind: "bipolar", signed: false, width: 1, fraction: 0 };
        const width = normalized ? Math.min(4, activation) : activation;
        return { kind: "int", signed, width, fraction: width - 1 };
      }),
    },
    kept: network.signals.map(() => null),
  };
}

function momentsOf(frozen: Frozen): SignalMoments[] {
  return frozen.network.signals.map(({ channels }) => ({
    deviation: Float64Array.from({ length: channels }, (_, k) => 1 + ((k * 7) % 5)),
    mean: new Float64Array(channels).fill(0.5),
    noise: new Float64Array(channels).fill(0.1),
  }));
}

/**
 * Noise power of every tensor, those of layer `i` and of what enters it times `costs[i]`; a network that lost inputs loses
 * a little more.
 */
function powerOf(frozen: Frozen, costs: readonly number[]): number {
  const { weights, signals } = frozen.formats;
  return weights.reduce((sum, weight, i) => {
    const lost = network.layers[i]!.inputs - frozen.network.layers[i]!.inputs;
    return sum + costs[i]! * (4 ** -weight.width + 4 ** -signals[i]!.width + 0.01 * lost);
  }, 0);
}

/** Two samples with the same loss: nothing of it is chance. */
function lossesOf(frozen: Frozen, costs: readonly number[]): Float64Array {
  return new Float64Array(2).fill(powerOf(frozen, costs));
}

interface Asked {
  readonly fill: Fill;
  readonly costs?: readonly number[];
  readonly training?: SpecChanges;
  readonly start?: Frozen;
}

async function allocated({ fill, costs = [1, 1, 1, 1], training = {}, start = frozenWith(8, 8) }: Asked) {
  const fills: number[] = [];
  let trainings = 0;
  let looks = 0;
  const tools: AllocationTools = {
    losses: async (frozen) => {
      looks++;
      return lossesOf(frozen, costs);
    },
    trained: async (frozen) => {
      trainings++;
      return { frozen, losses: lossesOf(frozen, costs) };
    },
    moments: momentsOf,
    settled: (_, at) => fills.push(at),
  };
  const frozen = await allocate(start, spec(graph, training), fill, tools);
  return { frozen, fills, trainings, looks };
}

const ofBitOperations =
  (bound: number): Fill =>
  (f) =>
    bitOperationsOf(f.network, widthsOf(f)) / bound;

function settingsOf(changes: SpecChanges, layer: number): LayerQuantization {
  return spec(graph, changes).layers[network.layers[layer]!.node]!;
}

/** Every width is one that the layer allows. */
function expectAllowed(frozen: Frozen, changes: SpecChanges): void {
  frozen.formats.weights.forEach((weight, i) => {
    const activation = frozen.formats.signals[i]!;
    const { weights, input } = settingsOf(changes, i);
    if (weight.kind === "bipolar") expect([weight.width, weights.bits.min]).toEqual([1, 1]);
    else {
      expect(weight.width).toBeGreaterThanOrEqual(Math.max(2, weights.bits.min));
      expect(weight.width).toBeLessThanOrEqual(weights.bits.max);
    }
    const { signed, activation: kind, normalized } = network.signals[i]!;
    if (kind === "sign")
      expect(activation).toEqual({ kind: "bipolar", signed: false, width: 1, fraction: 0 });
    else {
      expect(activation.width).toBeGreaterThanOrEqual(Math.max(signed ? 2 : 1, input.bits.min));
      expect(activation.width).toBeLessThanOrEqual(normalized ? 4 : input.bits.max);
      if (kind === "hardtanh") expect(activation.fraction).toBe(activation.width - 1);
    }
  });
}

describe("allocation", () => {
  test.each([1040, 1500, 2500, 4000, 9000, 14000])(
    "meets %d bit operations from below and spends them",
    async (bound) => {
      for (const training of [{}, { prune: false }]) {
        const { frozen, fills } = await allocated({ fill: ofBitOperations(bound), training });
        const share = ofBitOperations(bound)(frozen);
        expect(share).toBeLessThanOrEqual(1);
        // Well filled, or nothing fits any more.
        const fits = larger(frozen, spec(graph, training)).filter(
          (m) => ofBitOperations(bound)(m.frozen) <= 1,
        );
        expect(share >= WELL_FILLED || fits.length === 0).toBe(true);
        expect(share).toBeGreaterThan(0.9);
        expectAllowed(frozen, training);
        expect(fills.at(-1)).toBe(share);
        // Down until it fits, then only up.
        const first = fills.findIndex((f) => f <= 1);
        for (let i = 1; i < fills.length; i++) expect(fills[i]! < fills[i - 1]!).toBe(i <= first);
      }
    },
  );

  test("takes from the layer that can spare it, and gives to the one that needs it", async () => {
    for (const start of [frozenWith(8, 8), frozenWith(2, 2)]) {
      const widths = async (costs: readonly number[]): Promise<number[]> => {
        const training = { prune: false };
        const { frozen } = await allocated({ fill: ofBitOperations(2500), costs, start, training });
        return frozen.formats.weights.map((f) => f.width);
      };
      const [sensitive, robust] = [await widths([100, 1, 1, 1]), await widths([0.01, 1, 1, 1])];
      expect(sensitive[0]).toBeGreaterThan(robust[0]!);
    }
  });

  test("does not look again at steps that were worse than the best one", async () => {
    const bound = 1500;
    const training = { prune: false };
    const { fills, looks } = await allocated({ fill: ofBitOperations(bound), training });
    const steps = smaller(frozenWith(8, 8), spec(graph, training), momentsOf(frozenWith(8, 8))).length;
    expect(looks).toBeLessThan((steps * fills.length) / 2);
  });

  test("needs more than chance to take a step that is worth little", async () => {
    const width = async (deviation: number): Promise<number> => {
      const losses = (frozen: Frozen): Float64Array => {
        // The last layer's step saves little, and seems to gain a little; its samples disagree by the deviation.
        const bits = 8 - frozen.formats.weights[3]!.width;
        const power = powerOf(frozen, [1, 1, 1, 0]);
        return Float64Array.of(power - bits * (0.01 - deviation), power - bits * (0.01 + deviation));
      };
      const tools: AllocationTools = {
        losses: async (frozen) => losses(frozen),
        trained: async (frozen) => ({ frozen, losses: losses(frozen) }),
        moments: momentsOf,
      };
      const fill = ofBitOperations(9000);
      const frozen = await allocate(frozenWith(8, 8), spec(graph, { prune: false }), fill, tools);
      return frozen.formats.weights[3]!.width;
    };
    expect(await width(0)).toBe(2);
    expect(await width(0.1)).toBeGreaterThan(6);
  });

  test("judges by the losses alone where nothing is trained, and looks at each step no more often", async () => {
    const costs = [100, 1, 1, 1];
    let looks = 0;
    const tools: AllocationTools = {
      losses: async (frozen) => {
        looks++;
        return lossesOf(frozen, costs);
      },
      moments: momentsOf,
    };
    const training = { prune: false };
    const fill = ofBitOperations(3000);
    const frozen = await allocate(frozenWith(8, 8), spec(graph, training), fill, tools);
    const asked = await allocated({ fill, costs, training });
    expect(fill(frozen)).toBeLessThanOrEqual(1);
    expect(fill(frozen)).toBeGreaterThan(0.9);
    expect(powerOf(frozen, costs)).toBeLessThanOrEqual(1.1 * powerOf(asked.frozen, costs));
    expect(looks).toBeLessThanOrEqual(asked.looks);
    expectAllowed(frozen, training);
  });

  test("meets two limits at once, and is stopped by the tighter one", async () => {
    const weightBits = (f: Frozen): number => weightBitsOf(f.network, widthsOf(f));
    for (const limits of [
      { bitOperations: 9000, weightBits: 1000 },
      { bitOperations: 2500, weightBits: 2400 },
    ]) {
      const { frozen } = await allocated({ fill: (f) => fillOf(limits, f, 16), training: { prune: false } });
      const shares = [ofBitOperations(limits.bitOperations)(frozen), weightBits(frozen) / limits.weightBits];
      expect(Math.max(...shares)).toBeLessThanOrEqual(1);
      expect(Math.max(...shares)).toBeGreaterThan(0.95);
    }
  });

  test("leaves a network alone whose every width is the largest, and one without trainings to do", async () => {
    const { frozen, trainings } = await allocated({ fill: ofBitOperations(1e9), start: frozenWith(8, 8) });
    expect(frozen.formats).toEqual(frozenWith(8, 8).formats);
    expect(trainings).toBe(0);
  });

  test("ends with the smallest network when the bound is below it", async () => {
    const { frozen } = await allocated({ fill: ofBitOperations(10), training: { prune: false } });
    expect(widthsOf(frozen).map((b) => [b.weight, b.activation])).toEqual([
      [2, 1],
      [2, 1],
      [2, 2],
      [2, 1],
    ]);
  });

  test.each([
    { weights: { bits: { min: 3, max: 6 } }, input: { bits: { min: 2, max: 5 } } },
    { weights: { bits: { min: 1, max: 8 } } },
    { weights: { bits: { min: 4, max: 4 } } },
    { input: { bits: { min: 3, max: 3 } } },
  ] as const satisfies readonly SpecChanges[])("keeps to %o", async (training) => {
    const { weights, input } = settingsOf(training, 0);
    const start = frozenWith(weights.bits.max, input.bits.max);
    for (const bound of [1500, 3000, 6000]) {
      const { frozen } = await allocated({ fill: ofBitOperations(bound), training, start });
      expectAllowed(frozen, training);
    }
  });

  test("turns weights bipolar only where one bit is allowed, and tries that by training", async () => {
    const binary: SpecChanges = {
      prune: false,
      layers: { n2: { weights: { granularity: { kind: "layer" }, bits: { min: 1, max: 8 } } } },
    };
    const { frozen, trainings } = await allocated({ fill: ofBitOperations(10), training: binary });
    expect(trainings).toBeGreaterThan(0);
    expect(frozen.formats.weights.map((f) => f.kind)).toEqual(["int", "bipolar", "int", "int"]);
    // And back, when there is room again.
    const { frozen: wide } = await allocated({
      fill: ofBitOperations(9000),
      training: binary,
      start: frozen,
    });
    expect(wide.formats.weights[1]).toMatchObject({ kind: "int" });
  });
});

describe("steps of allocation", () => {
  const start = frozenWith(5, 3);

  test("make every network smaller or larger, and leave the first as it was", () => {
    const before = JSON.stringify(start);
    const cost = (f: Frozen): number => bitOperationsOf(f.network, widthsOf(f));
    const training = spec(graph, {});
    for (const { frozen } of smaller(start, training, momentsOf(start)))
      expect(cost(frozen)).toBeLessThan(cost(start));
    for (const { frozen } of larger(start, training)) expect(cost(frozen)).toBeGreaterThan(cost(start));
    expect(JSON.stringify(start)).toBe(before);
  });

  test("add a bit as a finer step, to activations as a wider range too; a hardtanh's range stays", () => {
    const changed = (index: number, tensor: "weights" | "signals") =>
      larger(start, spec(graph, {}))
        .map((m) => m.frozen.formats[tensor][index]!)
        .filter((f) => f.width !== start.formats[tensor][index]!.width)
        .map((f) => [f.width, f.fraction]);
    expect(changed(0, "weights")).toEqual([[6, 6]]);
    expect(changed(1, "signals")).toEqual([
      [4, 3],
      [4, 2],
    ]);
    expect(changed(2, "signals")).toEqual([[4, 3]]);
    expect(changed(3, "signals")).toEqual([]);
  });

  test("remove the weakest inputs, and the units that made them", () => {
    const moments = momentsOf(start);
    const pruned = smaller(start, spec(graph, {}), moments).filter((m) =>
      m.frozen.kept.some((k) => k !== null),
    );
    expect(pruned.length).toBe(4);
    for (const { frozen } of pruned) {
      const signal = frozen.kept.findIndex((k) => k !== null);
      const gone = moments[signal]!.deviation.filter((_, k) => !frozen.kept[signal]!.includes(k));
      const left = frozen.kept[signal]!.map((k) => moments[signal]!.deviation[k]!);
      expect(Math.max(...gone)).toBeLessThanOrEqual(Math.min(...left));
      expect(frozen.network.layers[signal]!.inputs).toBe(left.length);
      if (signal > 0) expect(frozen.network.layers[signal - 1]!.units).toBe(left.length);
    }
    const off = smaller(start, spec(graph, { prune: false }), moments);
    expect(off.every((m) => m.frozen.kept.every((k) => k === null))).toBe(true);
  });
});
