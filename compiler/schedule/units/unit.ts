// Control logic of hardware modules, without data, and how joined units step together. In: units and the streams
// between them. Out: which streams move at each clock edge.
import { compilerAssert } from "../../support/assert.ts";

/**
 * The handshakes of one module, cycle by cycle. It has `inputs` streams in and `outputs` streams out, in the order of
 * the module's ports. Whether an output is valid is registered; whether an input is ready may depend on the receivers
 * and on what its other inputs are offered, in the same cycle.
 */
export interface Unit {
  readonly inputs: number;
  readonly outputs: number;
  /** Whether a beat stands at an output. */
  valid(output: number): boolean;
  /** Whether a beat at an input would be taken: by what the receivers of the outputs and the senders of the inputs do. */
  ready(receivers: readonly boolean[], offered: readonly boolean[], input: number): boolean;
  /** A clock edge: the inputs at which a beat came in and the outputs at which one went out. */
  step(take: readonly boolean[], give: readonly boolean[]): void;
  /** Everything that decides what happens next. */
  state(): string;
}

/** One end of a stream: a unit by its index, and one of its inputs or outputs. */
interface End {
  readonly unit: number;
  readonly port: number;
}

/** A stream between two units, from an output to an input. */
export interface Link {
  readonly from: End;
  readonly to: End;
}

/** Units that step together; inputs and outputs without a link are those of the whole, by unit and port. */
export interface Network {
  readonly inputs: number;
  readonly outputs: number;
  /**
   * One clock edge. `offered`: the inputs at which a beat stands, `receivers`: the outputs at which one would be
   * taken. Fills `take` and `give` with the inputs and outputs at which one moved.
   */
  step(offered: readonly boolean[], receivers: readonly boolean[], take: boolean[], give: boolean[]): void;
  state(): string;
}

/** Joins units. A link leads from a unit to one with a higher index, so that there is no loop. */
export function createNetwork(units: readonly Unit[], links: readonly Link[]): Network {
  const { into, out, streams } = numberStreams(units, links);
  const open = (ends: readonly number[][], others: readonly number[][]): number[] => {
    const linked = new Set(others.flat());
    return ends.flat().filter((stream) => !linked.has(stream));
  };
  const first = open(into, out);
  const last = open(out, into);
  const valid = new Array<boolean>(streams).fill(false);
  const ready = new Array<boolean>(streams).fill(false);
  // What one unit sees, kept so that a step makes no arrays.
  const atInputs = units.map((u) => new Array<boolean>(u.inputs).fill(false));
  const atOutputs = units.map((u) => new Array<boolean>(u.outputs).fill(false));

  return {
    inputs: first.length,
    outputs: last.length,
    step(offered, receivers, take, give) {
      for (let i = 0; i < first.length; i++) valid[first[i]!] = offered[i]!;
      for (let o = 0; o < last.length; o++) ready[last[o]!] = receivers[o]!;
      for (let u = 0; u < units.length; u++) {
        const streamsOut = out[u]!;
        for (let o = 0; o < streamsOut.length; o++) valid[streamsOut[o]!] = units[u]!.valid(o);
      }
      for (let u = units.length - 1; u >= 0; u--) {
        const [streamsIn, streamsOut] = [into[u]!, out[u]!];
        const [seenIn, seenOut] = [atInputs[u]!, atOutputs[u]!];
        for (let o = 0; o < streamsOut.length; o++) seenOut[o] = ready[streamsOut[o]!]!;
        for (let i = 0; i < streamsIn.length; i++) seenIn[i] = valid[streamsIn[i]!]!;
        for (let i = 0; i < streamsIn.length; i++) ready[streamsIn[i]!] = units[u]!.ready(seenOut, seenIn, i);
      }
      for (let u = 0; u < units.length; u++) {
        const [streamsIn, streamsOut] = [into[u]!, out[u]!];
        const [moveIn, moveOut] = [atInputs[u]!, atOutputs[u]!];
        for (let i = 0; i < streamsIn.length; i++) moveIn[i] = valid[streamsIn[i]!]! && ready[streamsIn[i]!]!;
        for (let o = 0; o < streamsOut.length; o++)
          moveOut[o] = valid[streamsOut[o]!]! && ready[streamsOut[o]!]!;
        units[u]!.step(moveIn, moveOut);
      }
      for (let i = 0; i < first.length; i++) take[i] = valid[first[i]!]! && ready[first[i]!]!;
      for (let o = 0; o < last.length; o++) give[o] = valid[last[o]!]! && ready[last[o]!]!;
    },
    state: () => units.map((u) => u.state()).join(";"),
  };
}

/** A number for every stream; those of each unit by port. */
function numberStreams(units: readonly Unit[], links: readonly Link[]) {
  const into = units.map((u) => new Array<number>(u.inputs).fill(-1));
  const out = units.map((u) => new Array<number>(u.outputs).fill(-1));
  let streams = 0;
  for (const { from, to } of links) {
    compilerAssert(from.unit < to.unit, `a link leads back from unit ${from.unit} to ${to.unit}`);
    compilerAssert(out[from.unit]?.[from.port] === -1, `output ${from.port} of unit ${from.unit} is free`);
    compilerAssert(into[to.unit]?.[to.port] === -1, `input ${to.port} of unit ${to.unit} is free`);
    out[from.unit]![from.port] = streams;
    into[to.unit]![to.port] = streams++;
  }
  for (const ends of [...into, ...out])
    for (let k = 0; k < ends.length; k++) if (ends[k] === -1) ends[k] = streams++;
  return { into, out, streams };
}
