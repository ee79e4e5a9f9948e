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
  /** Random bits stand on the stages' inputs: every stage is judged by what it was given. */
  readonly forced: boolean;
}

/** Packets that the timing is measured on, at least; the later half has to run at the predicted interval. */
const TIMED_PACKETS = 64;
const STALLED_PACKETS = 48;
const FORCED_PACKETS = 48;
const RESETS = 16;
/** Up to here the design is reset at every single cycle of its first packets. */
const EVERY_CYCLE_LIMIT = 256;

/** All scenarios of the tapped design; `stored` packets exist, the last `synthetic` of them are made up. */
export function planScenarios(
  manifest: RtlManifest,
  stored: number,
  synthetic: number,
  seed: number,
  canForce: boolean,
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
      forced: false,
      ...rest,
    });
  };

  plans.push(fullSpeed(manifest, stored));
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
      packets: Array.from({ length: STALLED_PACKETS }, () => whole(pick())),
    });

  // Reset inside a packet: what came until then is right, and the next packets are as after power-up.
  const span = manifest.latencyCycles + 2 * manifest.intervalCycles;
  const points =
    span <= EVERY_CYCLE_LIMIT
      ? Array.from({ length: span }, (_, n) => n + 1)
      : Array.from({ length: RESETS }, () => random.integer(1, span));
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
    for (let n = 0; n < 24; n++) {
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
  // Last, because forced nets are never released.
  if (canForce) {
    const packets = Array.from({ length: FORCED_PACKETS }, (_, n) => whole(stored - 1 - (n % stored)));
    add({ name: "random bits between the stages", force: seed | 1, packets }, { forced: true });
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
export function fullSpeed(manifest: RtlManifest, stored: number): PlannedScenario {
  const count = Math.max(stored, TIMED_PACKETS);
  const delivered = Array.from({ length: count }, (_, n) => n % stored);
  return {
    scenario: {
      ...baseOf(manifest),
      name: "full speed",
      outputBeats: outputBeats(manifest, count),
      packets: delivered.map((packet) => wholePacket(manifest, packet)),
    },
    delivered,
    frameErrors: 0,
    timed: true,
    compareTaps: true,
    forced: false,
  };
}
