// What the Verilog has to go through. In: the manifest and the number of stored packets. Out: scenarios for the
// stream driver, with what each of them must show.
import type { RtlManifest } from "../program/manifest.ts";
import { createRandom } from "../support/random.ts";
import type { PacketToSend, Scenario } from "./stream-protocol.ts";

export interface PlannedScenario {
  readonly scenario: Scenario;
  /** Stored packet of every packet that must come out, in order. */
  readonly delivered: readonly number[];
  /** Packets whose framing is wrong. */
  readonly frameErrors: number;
  /** Latency and interval are the manifest's here. */
  readonly timed: boolean;
  /** Every tapped value is compared; not where a dropped packet leaves its first elements in the taps. */
  readonly compareTaps: boolean;
  /** What stands on the stages' inputs: every stage is judged by what it was given. */
  readonly forced: Forced;
}

/**
 * `none`: what the stages before make. `random`: random bits on every stream that holds any. `even` and `odd`: rows of
 * `stageInputs` on the streams of that depth, so that the results of the stages that they enter are seen.
 */
export type Forced = "none" | "random" | "even" | "odd";

/** How much of each kind. */
export interface ScenarioAmounts {
  /** Packets that the timing is measured on, at least; the later half has to run at the predicted interval. 0: not measured. */
  readonly timed: number;
  readonly stalled: number;
  readonly forced: number;
  /** Rows of `stageInputs`. */
  readonly given: number;
  readonly resets: number;
  /** Packets, a multiple of 6. */
  readonly framed: number;
}

export const WHOLE_AMOUNTS: ScenarioAmounts = {
  timed: 64,
  stalled: 48,
  forced: 48,
  given: 32,
  resets: 16,
  framed: 24,
};
/** For a first look that finds most of what is wrong. */
export const BRIEF_AMOUNTS: ScenarioAmounts = {
  timed: 0,
  stalled: 3,
  forced: 3,
  given: 8,
  resets: 2,
  framed: 6,
};

/** Name of the first scenario: every vector, with nobody waiting. */
export const FULL_SPEED = "full speed";
/** Up to here the design is reset at every single cycle of its first packets. */
const EVERY_CYCLE_LIMIT = 256;

/**
 * All scenarios of the tapped design; `stored` packets exist, the last `synthetic` of them are made up. Those in which streams
 * are forced come last, because forced nets are never released, and need `force`: what there is to be forced. `canStall`: the
 * streams between the stages can be held up.
 */
export function planScenarios(
  manifest: RtlManifest,
  stored: number,
  synthetic: number,
  seed: number,
  canStall: boolean,
  force: { readonly random: ReadonlySet<string> } | undefined,
  amounts: ScenarioAmounts = WHOLE_AMOUNTS,
): PlannedScenario[] {
  const random = createRandom(seed, "scenarios");
  const whole = (packet: number): PacketToSend => wholePacket(manifest, packet);
  const base = baseOf(manifest);
  const plans: PlannedScenario[] = [];
  const add = (
    scenario: Partial<Scenario> & Pick<Scenario, "name" | "packets">,
    rest: Partial<PlannedScenario> = {},
  ): void => {
    const delivered = rest.delivered ?? scenario.packets.map((p) => p.packet);
    plans.push({
      scenario: { ...base, outputBeats: outputBeats(manifest, delivered.length), ...scenario },
      delivered,
      frameErrors: 0,
      timed: false,
      compareTaps: true,
      forced: "none",
      ...rest,
    });
  };

  plans.push(fullSpeed(manifest, stored, amounts.timed));
  const pick = (): number =>
    random.uniform() < 0.5 && synthetic > 0
      ? stored - 1 - random.integer(0, synthetic - 1)
      : random.integer(0, stored - 1);
  const stalls = [
    ["random stalls on both sides", 40, 40, "free"],
    ["a slow source", 128, 0, "free"],
    ["a slow sink", 0, 160, "free"],
    ["a sink that waits for tvalid", 16, 0, "after-valid"],
    ["a sink that is closed for long", 0, 8, "closed-at-first"],
  ] as const;
  for (const [name, sourceIdle, sinkIdle, sink] of stalls)
    add({
      name,
      sourceIdle,
      sinkIdle,
      sink,
      packets: Array.from({ length: amounts.stalled }, () => whole(pick())),
    });

  // Reset inside a packet: what came until then is right, and the next packets are as after power-up.
  const span = manifest.latencyCycles + 2 * manifest.intervalCycles;
  const points =
    span <= EVERY_CYCLE_LIMIT && amounts === WHOLE_AMOUNTS
      ? Array.from({ length: span }, (_, n) => n + 1)
      : Array.from({ length: amounts.resets }, () => random.integer(1, span));
  for (const stopAfter of points) {
    const before = Array.from({ length: 4 }, () => whole(pick()));
    add({ name: `broken off after ${stopAfter} cycles`, stopAfter, resetCycles: 1, packets: before });
    const after = [whole(pick()), whole(pick())];
    add({ name: `after one cycle of reset at cycle ${stopAfter}`, resetCycles: 1, packets: after });
  }

  // Packets with tlast too early are dropped, with tlast too late cut; their neighbours are right.
  for (const [name, sourceIdle, sinkIdle] of [
    ["wrong framing", 0, 0],
    ["wrong framing with stalls", 48, 48],
  ] as const) {
    const packets: PacketToSend[] = [];
    const delivered: number[] = [];
    let frameErrors = 0;
    for (let n = 0; n < amounts.framed; n++) {
      const sent = whole(pick());
      // One port is wrong, the packets of the others are whole.
      const port = manifest.inputs.length === 1 ? 0 : random.integer(0, manifest.inputs.length - 1);
      const beats = manifest.inputs[port]!.beats;
      const kind = n % 6;
      const early = (kind === 1 || kind === 4 || kind === 5) && beats > 1;
      const late = !early && (kind === 2 || kind === 4);
      const some = early
        ? n < 6
          ? 1
          : n < 12
            ? beats - 1
            : random.integer(1, beats - 1)
        : beats + (late ? (n < 6 ? 1 : random.integer(1, beats + 3)) : 0);
      packets.push({ ...sent, beats: sent.beats.with(port, some) });
      if (!early) delivered.push(sent.packet);
      if (early || late) frameErrors++;
    }
    add({ name, sourceIdle, sinkIdle, packets }, { delivered, frameErrors, compareTaps: false });
  }
  if (canStall)
    add({
      name: "random stalls between the stages",
      force: "stalls",
      packets: Array.from({ length: amounts.stalled }, () => whole(pick())),
    });
  if (force) {
    const packets = (count: number): PacketToSend[] =>
      Array.from({ length: count }, (_, n) => whole(stored - 1 - (n % stored)));
    for (const parity of ["even", "odd"] as const)
      add(
        { name: `every stage on its own bounds (${parity})`, force: parity, packets: packets(amounts.given) },
        { forced: parity },
      );
    if (force.random.size > 0)
      add(
        { name: "random bits between the stages", force: seed | 1, packets: packets(amounts.forced) },
        { forced: "random" },
      );
  }
  return plans;
}

function baseOf(manifest: RtlManifest): Omit<Scenario, "name" | "packets" | "outputBeats"> {
  return {
    resetCycles: 4,
    sourceIdle: 0,
    sinkIdle: 0,
    sink: "free",
    stopAfter: 0,
    watchdog: 4 * (manifest.latencyCycles + manifest.intervalCycles) + 512,
    force: 0,
  };
}

function wholePacket({ inputs }: RtlManifest, packet: number): PacketToSend {
  return { packet, beats: inputs.map(({ beats }) => beats) };
}

/** Beats of so many packets on each output port. */
function outputBeats({ outputs }: RtlManifest, packets: number): readonly number[] {
  return outputs.map(({ beats }) => packets * beats);
}

/** Every stored packet back to back, with neither side ever waiting. */
export function fullSpeed(
  manifest: RtlManifest,
  stored: number,
  timed: number = WHOLE_AMOUNTS.timed,
): PlannedScenario {
  const count = Math.max(stored, timed);
  const delivered = Array.from({ length: count }, (_, n) => n % stored);
  return {
    scenario: {
      ...baseOf(manifest),
      name: FULL_SPEED,
      outputBeats: outputBeats(manifest, count),
      packets: delivered.map((packet) => wholePacket(manifest, packet)),
    },
    delivered,
    frameErrors: 0,
    timed: timed > 0,
    compareTaps: true,
    forced: "none",
  };
}
