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
import { isBanked, type LineStore, storeOf } from "./banks.ts";
import { greatestCommonDivisor } from "./folding.ts";
import { beatsOfWindows, type WindowSplit, wordsOfImage } from "./stages.ts";
import type { Triple } from "./units/boxes.ts";
import { intervalAlone, leastCapacity, type Pair, type WindowGeometry } from "./units/line-window.ts";

export type WindowInstruction = ConvInstruction | PoolInstruction | UpsampleInstruction;

/** How the channels of a window are read. */
export interface WindowReading {
  /** Channels side by side in a word, a divisor of all of them. */
  readonly lanes: number;
  readonly outer: number;
  readonly replays: number;
  readonly taps: number;
  /** Windows side by side: more than one are read at all taps at once. */
  readonly windows: number;
  /** Positions of the input that come at once. */
  readonly columns: number;
  /** Of an upsampling: columns that are made of one by wires, a divisor of the factor. */
  readonly copies?: number;
}

/** Sizes of both axes: a sequence is an image of one column, whose lines are positions. */
function pair(sizes: Sizes, column: number): Pair {
  return sizes.length === 2 ? [sizes[0]!, sizes[1]!] : [sizes[0]!, column];
}

/** Sizes of which the last one is divided. */
function acrossLast(sizes: Sizes, by: number): Sizes {
  return sizes.with(-1, sizes.at(-1)! / by);
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

/**
 * Phases of a transposed convolution along both axes, 1 where a window meets its inputs one by one. Output o meets only the
 * taps k with (o - before + k) a multiple of the spread: every spread-th one, at inputs side by side. Which ones depends on
 * o modulo the spread, so that each phase has weights of its own over fewer taps; those that a phase lacks are 0, which
 * signs cannot be. A mantissa other than 0 around the image would be met between inputs too.
 */
export function phasesOf(program: Program, instruction: ConvInstruction): Pair {
  const { spread, strides, dilations, padMantissa, weights } = instruction;
  const { shape, format } = constantNamed(program, weights);
  const byPhase = spread.map((s, axis) => {
    const whole = format.kind !== "bipolar" || shape[axis + 1]! % s === 0;
    return padMantissa === 0 && strides[axis] === 1 && dilations[axis] === 1 && whole ? s : 1;
  });
  // Lines in between are skipped along both axes or met along both.
  return spread.every((s, axis) => s === byPhase[axis]) ? pair(byPhase, 1) : [1, 1];
}

/** Taps of a window along both axes that meet inputs. */
export function tapsOf(program: Program, instruction: WindowInstruction): Pair {
  const [ky, kx] = kernelOf(program, instruction);
  const [phasesY, phasesX] = instruction.op === "conv" ? phasesOf(program, instruction) : [1, 1];
  return [Math.ceil(ky / phasesY), Math.ceil(kx / phasesX)];
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

/** Whether a window is one position of an image that it goes through as it comes. */
export function isPointwise(program: Program, instruction: ConvInstruction): boolean {
  const { strides, padding, spread } = instruction;
  const [ky, kx] = kernelOf(program, instruction);
  const all = [ky, kx, ...strides, ...spread];
  return all.every((n) => n === 1) && [...padding.before, ...padding.after].every((n) => n === 0);
}

/** Rows and columns, of a sequence that is one line. */
const turned = ([y, x]: Pair): Pair => [x, y];

/**
 * The geometry of the module that reads the windows. Windows side by side are read as the one that spans them all, with the
 * strides of these; a sequence is one line where positions of it stand side by side.
 */
export function geometryOf(
  program: Program,
  instruction: WindowInstruction,
  { windows, ...reading }: WindowReading,
): WindowGeometry {
  const plain = plainGeometry(program, instruction, reading);
  if (windows * reading.columns === 1) return plain;
  const line = asLine(program, instruction, plain);
  if (windows === 1) return line;
  const { kernel, span, step, first } = spanOf(line, windows);
  return {
    ...line,
    outSize: [line.outSize[0], line.outSize[1] / windows],
    kernel: [kernel[0], span],
    strides: [line.strides[0], Math.ceil((line.strides[1] * windows) / line.spread[1])],
    // One tap is as far from the next as the lines are.
    dilations: [kernel[0] === 1 ? line.spread[0] : line.dilations[0], step],
    spread: [line.spread[0], 1],
    before: [line.before[0], 0 - first],
    taps: kernel[0] * span,
  };
}

/** Where the taps of windows side by side are. */
export function splitOf(
  program: Program,
  instruction: WindowInstruction,
  reading: WindowReading,
): WindowSplit {
  const { windows, ...each } = reading;
  const line = asLine(program, instruction, plainGeometry(program, instruction, each));
  const { kernel, tapStep, stride, span, offset } = spanOf(line, windows);
  return { kernel, tapStep, stride, span, phases: line.spread[1], offset };
}

/** Sets of weights that take turns along both axes, and how many outputs or beats of windows side by side there are. */
export function turnsOf(
  program: Program,
  instruction: ConvInstruction,
  reading: WindowReading,
): { readonly phases: Pair; readonly outSize: Pair } {
  const phases = phasesOf(program, instruction);
  const plain = plainGeometry(program, instruction, reading);
  if (reading.windows === 1) return { phases, outSize: plain.outSize };
  const { outSize } = geometryOf(program, instruction, reading);
  const isSequence = valueNamed(program, instruction.input).shape.length === 2;
  // Those along a line are side by side; a sequence is one line.
  return { phases: [isSequence ? 1 : phases[0], 1], outSize };
}

function asLine(program: Program, { input }: WindowInstruction, geometry: WindowGeometry): WindowGeometry {
  if (valueNamed(program, input).shape.length > 2) return geometry;
  const { size, outSize, kernel, strides, dilations, spread, before } = geometry;
  return {
    ...geometry,
    size: turned(size),
    outSize: turned(outSize),
    kernel: turned(kernel),
    strides: turned(strides),
    dilations: turned(dilations),
    spread: turned(spread),
    before: turned(before),
  };
}

/**
 * Columns that windows side by side span: the first one, the step between those that any of them looks at, and how many
 * steps there are from window to window, from tap to tap and in all. Where lines are spread, read by phase, as many windows
 * as that begin at one column, but `offset` fewer at the first.
 */
function spanOf({ kernel, strides, dilations, spread, before }: WindowGeometry, windows: number) {
  const phases = spread[1];
  const first = Math.floor(-before[1] / phases);
  const offset = -before[1] - first * phases;
  const tapColumns = dilations[1] / phases;
  const steps = [strides[1], ...(kernel[1] > 1 ? [tapColumns] : [])];
  const step = steps.reduce(greatestCommonDivisor);
  const [stride, tapStep] = [strides[1] / step, kernel[1] > 1 ? tapColumns / step : 1];
  const begins = Math.floor((windows - 1 + offset) / phases) * stride;
  return { kernel, step, first, offset, stride, tapStep, span: begins + (kernel[1] - 1) * tapStep + 1 };
}

function plainGeometry(
  program: Program,
  instruction: WindowInstruction,
  { lanes, copies = 1, ...reading }: Omit<WindowReading, "windows">,
): WindowGeometry {
  const input = valueNamed(program, instruction.input);
  const sizes = spatialSizes(input.shape);
  const one = everyAxis(sizes.length, 1);
  const { op } = instruction;
  const phases = op === "conv" ? phasesOf(program, instruction) : [1, 1];
  const byPhase = phases.some((count) => count > 1);
  const before = pair(op === "upsample" ? one.map(() => 0) : instruction.padding.before, 0);
  return {
    size: pair(sizes, 1),
    words: channelsOf(input) / lanes,
    outSize: pair(acrossLast(spatialSizes(valueNamed(program, instruction.result).shape), copies), 1),
    kernel: tapsOf(program, instruction),
    strides: pair(op === "upsample" ? one : instruction.strides, 1),
    // By phase the taps are a line apart, and the first one is the next line from where the window begins.
    dilations: pair(
      op === "conv" ? instruction.dilations.map((d, a) => d * (byPhase ? instruction.spread[a]! : 1)) : one,
      1,
    ),
    spread: pair(
      op === "conv" ? instruction.spread : op === "upsample" ? acrossLast(instruction.factors, copies) : one,
      1,
    ),
    before: byPhase ? [before[0] - phases[0]! + 1, before[1] - phases[1]! + 1] : before,
    repeat: op === "upsample" || byPhase,
    ...reading,
  };
}

/** Packets after which a window that is alone keeps its interval, and one whose sender hardly does. */
const SETTLED = 3;
const SETTLED_PACED = 6;
/** What waiting may cost a window whose sender does not, as a part of its beats. */
const WAITING = 1.02;

/**
 * What to store: the least number of words and at most one line more, so that the sender goes on while windows are read.
 * Where packets would take longer than their words and windows do with that, or longer than `interval` if their words
 * come as slowly as this lets them, the fewest words more that are enough: rows of windows several lines apart wait for
 * all of these, and without padding the first window of a packet waits for many lines while the last ones of the packet
 * before are read. Taps and positions side by side take whole lines.
 */
export function lineStoreOf(geometry: WindowGeometry, interval: number): LineStore {
  const key = JSON.stringify([geometry, interval]);
  const found = FOUND.get(key) ?? findLineStore(geometry, interval);
  if (FOUND.size >= MOST_FOUND) FOUND.clear();
  FOUND.set(key, found);
  return found;
}

/** What was found before: a search for foldings asks for the same windows again and again. */
const FOUND = new Map<string, LineStore>();
const MOST_FOUND = 4096;

function findLineStore(geometry: WindowGeometry, interval: number): LineStore {
  const { size, words } = geometry;
  const least = leastCapacity(geometry);
  const line = size[1] * words;
  const image = wordsOfImage(geometry);
  const busy = Math.max(beatsOfWindows(geometry), image);
  const slow = Math.max(busy, interval);
  const isEnough = ({ capacity }: LineStore): boolean =>
    intervalAlone(geometry, capacity, SETTLED) <= WAITING * busy &&
    intervalAlone(geometry, capacity, SETTLED_PACED, slow / image) <= slow + 1;
  const unit = isBanked(geometry) ? line : words;
  const tight = isBanked(geometry) ? Math.ceil(least / line) : Math.ceil((least + line) / words);
  const storeFor = (units: number): LineStore => storeOf(geometry, units * unit);
  if (isEnough(storeFor(tight))) return storeFor(tight);
  // An image more is always enough.
  let [few, enough] = [tight, Math.ceil((least + size[0] * line + line) / unit)];
  while (enough - few > 1) {
    const middle = Math.floor((few + enough) / 2);
    if (isEnough(storeFor(middle))) enough = middle;
    else few = middle;
  }
  return storeFor(enough);
}
