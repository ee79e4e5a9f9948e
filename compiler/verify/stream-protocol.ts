// The wire format of templates/harness/stream-driver.cpp, and tensors as beats of AXI4-Stream ports. In: scenarios
// and integers. Out: the driver's request; and its answer read back.
import type { StreamPort } from "../program/manifest.ts";
import { createRandom } from "../support/random.ts";

/** Which beats the sources send of a stored packet; more than there are makes tlast late, fewer early. */
export interface PacketToSend {
  /** Index into the stored packets. */
  readonly packet: number;
  /** By input port. */
  readonly beats: readonly number[];
}

export interface Scenario {
  readonly name: string;
  readonly resetCycles: number;
  /** Chance of a pause before a beat, in 256ths. */
  readonly sourceIdle: number;
  readonly sinkIdle: number;
  /** The sink is ready by chance, only once it sees tvalid, or not at all for a long while. */
  readonly sink: "free" | "after-valid" | "closed-at-first";
  /** Cycles after which the scenario is broken off; 0 for never. */
  readonly stopAfter: number;
  /** By output port. */
  readonly outputBeats: readonly number[];
  /** Cycles without a beat on either port after which the design counts as standing still. */
  readonly watchdog: number;
  /**
   * What is done to the streams between the stages: 0 nothing, a seed of random bits, the given beats of those of this parity,
   * or random stalls.
   */
  readonly force: number | "even" | "odd" | "stalls";
  readonly packets: readonly PacketToSend[];
}

/** Beats that are put onto one stream between the stages, packet after packet. */
export interface GivenStream {
  /** 32-bit words of one beat. */
  readonly words: number;
  readonly beats: Uint32Array;
}

export interface TapRecord {
  readonly values: Float64Array;
  readonly cycles: Float64Array;
}

/** The beats that an output port gave. */
export interface PortRecord {
  readonly cycles: Float64Array;
  readonly last: Uint8Array;
  readonly bytes: Uint8Array;
}

export interface ScenarioRecord {
  readonly end: "complete" | "standstill" | "stopped";
  readonly cycles: number;
  /** Cycle of the first accepted input beat, -1 for none. */
  readonly firstInput: number;
  readonly frameErrors: readonly number[];
  readonly findings: readonly { readonly rule: string; readonly cycle: number }[];
  /** By output port. */
  readonly outputs: readonly PortRecord[];
  readonly taps: readonly TapRecord[];
}

/** In the order of the driver's enum Rule. */
const RULES = [
  "m_axis_tvalid is high in reset",
  "s_axis_tready is high in reset",
  "m_axis_tvalid falls before m_axis_tready came",
  "m_axis_tdata changes before m_axis_tready came",
  "m_axis_tlast changes before m_axis_tready came",
  "m_axis_tlast does not stand on the last beat of a packet",
  "a packet leaves that did not come",
  "a packet that came does not leave",
];
const ENDS = ["complete", "standstill", "stopped"] as const;
/** In the order of the driver's modes. */
const MODES = ["none", "random", "even", "odd", "stalls"];
const SINKS = ["free", "after-valid", "closed-at-first"] as const;

export function bytesPerBeat(port: StreamPort): number {
  return (port.lanes * port.laneBits) / 8;
}

/** Packets as the port's bytes; padding bits and unused lanes hold random bits, which the design has to ignore. */
export function packPackets(
  port: StreamPort,
  inputs: ReadonlyMap<string, ArrayLike<number>>,
  count: number,
  seed: number,
): Uint8Array {
  const laneBytes = port.laneBits / 8;
  const beatBytes = bytesPerBeat(port);
  const packetBytes = port.beats * beatBytes;
  const random = createRandom(seed, "padding bits");
  const bytes = new Uint8Array(count * packetBytes);
  let firstBeat = 0;
  for (const value of port.values) {
    const rows = inputs.get(value.value)!;
    const slots = value.beats * port.lanes;
    const whole = value.width === port.laneBits && slots === value.elements;
    for (let n = 0; n < count; n++) {
      const start = n * packetBytes + firstBeat * beatBytes;
      for (let e = 0; e < slots; e++) {
        const at = start + e * laneBytes;
        // Lanes of a beat follow each other, and so do beats: element e stands at e * laneBytes.
        let rest = e < value.elements ? rows[n * value.elements + e]! : 0;
        const used = e < value.elements ? value.width : 0;
        for (let b = 0; b < laneBytes; b++) {
          const low = ((rest % 256) + 256) % 256;
          rest = Math.floor(rest / 256);
          const bits = Math.max(0, Math.min(8, used - 8 * b));
          const mask = (1 << bits) - 1;
          const noise = whole || bits === 8 ? 0 : random.int32() & 255;
          bytes[at + b] = (low & mask) | (noise & ~mask);
        }
      }
    }
    firstBeat += value.beats;
  }
  return bytes;
}

/** What is wrong with a beat. */
export interface PortProblem {
  readonly text: string;
  readonly cycle: number;
}

/** What came out: one column per value, and what is wrong with packing and tlast. */
export function unpackPackets(
  port: StreamPort,
  output: PortRecord,
): { values: { value: string; values: Float64Array; cycles: Float64Array }[]; problems: PortProblem[] } {
  const laneBytes = port.laneBits / 8;
  const beatBytes = bytesPerBeat(port);
  const beats = output.last.length;
  const problems: PortProblem[] = [];
  for (let beat = 0; beat < beats; beat++) {
    const due = beat % port.beats === port.beats - 1;
    if ((output.last[beat] === 1) !== due && problems.length === 0)
      problems.push({
        text: `${port.name}_tlast is ${due ? "missing" : "early"} on output beat ${beat} (beat ${beat % port.beats} of packet ${Math.floor(beat / port.beats)}, cycle ${output.cycles[beat]})`,
        cycle: output.cycles[beat]!,
      });
  }
  const values: { value: string; values: Float64Array; cycles: Float64Array }[] = [];
  let firstBeat = 0;
  for (const value of port.values) {
    const seen: number[] = [];
    const cycles: number[] = [];
    for (let packet = 0; packet * port.beats < beats; packet++) {
      for (let e = 0; e < value.beats * port.lanes; e++) {
        const beat = packet * port.beats + firstBeat + Math.floor(e / port.lanes);
        if (beat >= beats) break;
        const at = beat * beatBytes + (e % port.lanes) * laneBytes;
        let number = 0;
        for (let b = laneBytes - 1; b >= 0; b--) number = number * 256 + output.bytes[at + b]!;
        // The whole lane is read, so that a wrong extension shows as a wrong integer.
        if (value.signed && number >= 2 ** (port.laneBits - 1)) number -= 2 ** port.laneBits;
        if (e < value.elements) {
          seen.push(number);
          cycles.push(output.cycles[beat]!);
        } else if (number !== 0 && problems.length < 8)
          problems.push({
            text: `unused lane ${e % port.lanes} of output beat ${beat} holds ${number}, not 0 (${port.name})`,
            cycle: output.cycles[beat]!,
          });
      }
    }
    values.push({ value: value.value, values: Float64Array.from(seen), cycles: Float64Array.from(cycles) });
    firstBeat += value.beats;
  }
  return { values, problems };
}

/** The driver's standard input; `packets` are the bytes of `packPackets` for each input port. */
export function encodeRequest(request: {
  readonly seed: number;
  readonly inputs: readonly StreamPort[];
  readonly outputs: readonly StreamPort[];
  readonly taps: number;
  readonly packets: readonly Uint8Array[];
  readonly count: number;
  /** In the order of the force wrapper's streams. */
  readonly given?: readonly GivenStream[];
  readonly scenarios: readonly Scenario[];
}): Uint8Array {
  const given = request.given ?? [];
  const pools = request.packets.map((bytes) => {
    const pool = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
    pool.set(bytes);
    return pool;
  });
  const head = [
    request.seed >>> 0,
    request.taps,
    request.inputs.length,
    ...request.inputs.flatMap((port) => [bytesPerBeat(port), port.beats]),
    request.outputs.length,
    ...request.outputs.map(bytesPerBeat),
    request.count,
  ];
  const tail = [given.length, ...given.flatMap(({ words, beats }) => [words, beats.length])];
  const scenarios = [request.scenarios.length];
  for (const s of request.scenarios) {
    scenarios.push(
      s.resetCycles,
      s.sourceIdle,
      s.sinkIdle,
      SINKS.indexOf(s.sink),
      s.stopAfter,
      s.watchdog,
      ...(typeof s.force === "number"
        ? [s.force === 0 ? 0 : 1, s.force >>> 0]
        : [MODES.indexOf(s.force), request.seed | 1]),
      ...s.outputBeats,
      s.packets.length,
    );
    for (const { packet, beats } of s.packets) scenarios.push(packet, ...beats);
  }
  const poolBytes = pools.reduce((sum, pool) => sum + pool.length, 0);
  const givenWords = given.reduce((sum, { beats }) => sum + beats.length, 0);
  const words = head.length + poolBytes / 4 + tail.length + givenWords + scenarios.length;
  const bytes = new Uint8Array((words + 1) * 4);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const put = (word: number): void => {
    view.setUint32(at, word, true);
    at += 4;
  };
  put(words);
  head.forEach(put);
  for (const pool of pools) {
    bytes.set(pool, at);
    at += pool.length;
  }
  tail.forEach(put);
  for (const { beats } of given) beats.forEach(put);
  scenarios.forEach(put);
  return bytes;
}

/** The driver's standard output; undefined when it does not hold what was asked for. */
export function decodeAnswer(
  answer: Float64Array,
  scenarios: number,
  taps: number,
  outputs: readonly StreamPort[],
): ScenarioRecord[] | undefined {
  let at = 0;
  const next = (): number => answer[at++] ?? Number.NaN;
  const take = (n: number): Float64Array => {
    const piece = answer.subarray(at, at + n);
    at += n;
    return piece;
  };
  const records: ScenarioRecord[] = [];
  for (let s = 0; s < scenarios; s++) {
    const end = ENDS[next()];
    const cycles = next();
    const firstInput = next();
    const frameErrors = [...take(next())];
    const findings: { rule: string; cycle: number }[] = [];
    for (let n = next(); n > 0; n--) findings.push({ rule: RULES[next()] ?? "unknown rule", cycle: next() });
    if (end === undefined) return undefined;
    const portRecords: PortRecord[] = [];
    for (const port of outputs) {
      const beats = next();
      if (!Number.isInteger(beats)) return undefined;
      const size = bytesPerBeat(port);
      const record = {
        cycles: new Float64Array(beats),
        last: new Uint8Array(beats),
        bytes: new Uint8Array(beats * size),
      };
      for (let b = 0; b < beats; b++) {
        record.cycles[b] = next();
        record.last[b] = next();
        record.bytes.set(take(size), b * size);
      }
      portRecords.push(record);
    }
    const tapRecords: TapRecord[] = [];
    for (let t = 0; t < taps; t++) {
      const n = next();
      tapRecords.push({ values: take(n), cycles: take(n) });
    }
    records.push({ end, cycles, firstInput, frameErrors, findings, outputs: portRecords, taps: tapRecords });
  }
  return at === answer.length ? records : undefined;
}
