// Windows of convolutions, pools and upsampling. In: an instruction and its operand. Out: the geometry of the module that
// reads the windows, and how much of the image it stores.
import {
  type ConvInstruction,
  channelsOf,
  constantNamed,
  type PoolInstruction,
  type Program,
  type Sizes,
  type UpsampleInstruction,
  valueNamed,
} from "../program/program.ts";
import { everyAxis, spatialSizes } from "../program/shapes.ts";
import { beatsOfWindows, wordsOfImage } from "./stages.ts";
import type { Triple } from "./units/boxes.ts";
import { createLineWindow, leastCapacity, type Pair, type WindowGeometry } from "./units/line-window.ts";

export type WindowInstruction = ConvInstruction | PoolInstruction | UpsampleInstruction;

/** How the channels of a window are read. */
export interface WindowReading {
  /** Channels side by side in a word, a divisor of all of them. */
  readonly lanes: number;
  readonly outer: number;
  readonly replays: number;
  readonly taps: number;
}

/** Sizes with a row before them where there is but one axis: a sequence is an image of one row. */
function pair(sizes: Sizes, row: number): Pair {
  return sizes.length === 2 ? [sizes[0]!, sizes[1]!] : [row, sizes[0]!];
}

/** Taps of the kernel along both axes. */
export function kernelOf(program: Program, instruction: WindowInstruction): Pair {
  switch (instruction.op) {
    case "conv":
      return pair(constantNamed(program, instruction.weights).shape.slice(1, -1), 1);
    case "pool":
      return pair(instruction.window, 1);
    case "upsample":
      return [1, 1];
  }
}

/** Numbers for each axis as rows, columns and channels; axes that are not there have `missing`. */
export function alongAxes(numbers: readonly number[], missing: number): Triple {
  const [channels, column = missing, row = missing] = numbers.toReversed();
  return [row, column, channels!];
}

/** Rows, columns and channels of a value; flat ones are one position. */
export function imageOf(shape: readonly number[]): Triple {
  return alongAxes(shape, 1);
}

export function geometryOf(
  program: Program,
  instruction: WindowInstruction,
  { lanes, ...reading }: WindowReading,
): WindowGeometry {
  const input = valueNamed(program, instruction.input);
  const sizes = spatialSizes(input.shape);
  const one = everyAxis(sizes.length, 1);
  const { op } = instruction;
  return {
    size: pair(sizes, 1),
    words: channelsOf(input) / lanes,
    outSize: pair(spatialSizes(valueNamed(program, instruction.result).shape), 1),
    kernel: kernelOf(program, instruction),
    strides: pair(op === "upsample" ? one : instruction.strides, 1),
    dilations: pair(op === "conv" ? instruction.dilations : one, 1),
    spread: pair(op === "conv" ? instruction.spread : op === "upsample" ? instruction.factors : one, 1),
    before: pair(op === "upsample" ? one.map(() => 0) : instruction.padding.before, 0),
    repeat: op === "upsample",
    ...reading,
  };
}

/** What line ends, padding and packets may cost together, as a part of a window's own beats. */
const SLACK = 1.02;
/** Packets after which a window that is alone keeps its interval. */
const SETTLED = 3;

/** Cycles between packets of a window that never waits for others; infinite if it stands still. */
function intervalAlone(geometry: WindowGeometry, capacity: number): number {
  const unit = createLineWindow(geometry, capacity);
  const beats = beatsOfWindows(geometry);
  const patience = 4 * SETTLED * (beats + wordsOfImage(geometry)) + 100;
  const willing = [true];
  let given = 0;
  let before = 0;
  for (let cycle = 0; cycle < patience; ) {
    const take = [unit.ready(willing, willing, 0)];
    const give = [unit.valid(0)];
    // Up to the end of a packet.
    const left = give[0] ? beats - (given % beats) : patience;
    const edges = Math.min(unit.quiet?.(take, give) ?? 0, left);
    if (edges > 0) unit.skip!(take, give, edges);
    else unit.step(take, give);
    const done = Math.max(1, edges);
    cycle += done;
    if (!give[0]) continue;
    given += done;
    if (given === SETTLED * beats) before = cycle;
    if (given === (SETTLED + 1) * beats) return cycle - before;
  }
  return Number.POSITIVE_INFINITY;
}

/**
 * Words to store: the least number and the lines that the window moves on by, so that the sender goes on while windows
 * are read. Where packets would take longer than `interval` cycles with that (null: than the window's own beats), since
 * without padding the first window of a packet waits for many lines: as much again, for that window beside the last one
 * of the packet before; at last an image more.
 */
export function capacityOf(geometry: WindowGeometry, interval: number | null): number {
  const { size, words, strides } = geometry;
  const least = leastCapacity(geometry);
  const line = size[0] === 1 ? strides[1] * words : strides[0] * size[1] * words;
  const own = Math.max(beatsOfWindows(geometry), wordsOfImage(geometry));
  const wanted = interval === null ? SLACK * own : Math.max(interval, own);
  const whole = least + wordsOfImage(geometry);
  const steps = [least + line, 2 * least + line].filter((capacity) => capacity < whole);
  return steps.find((capacity) => intervalAlone(geometry, capacity) <= wanted) ?? whole;
}
