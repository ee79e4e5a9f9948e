// Makes motions of a hand as a sensor of acceleration sees them: six gestures. In: a folder, data/ beside this file by
// default. Out: train-motions.npy, train-gestures.npy, test-motions.npy, test-gestures.npy. The same bytes every time.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createUniform } from "../uniform.mjs";

const here = dirname(fileURLToPath(import.meta.url));

/** Readings of a motion, and the axes of each. */
const LENGTH = 128;
const AXES = 3;
const COUNTS = { train: 6000, test: 1500 };
const SEEDS = { train: 1, test: 2 };
/** Motion of the hand over time, in the order of the classes. */
const GESTURES = [tap, doubleTap, swipe, shake, circleLeft, circleRight];
/** A reading of this many stored integers is one unit of the motions below; a stored integer has -128 to 127. */
const UNIT = 40;

/** A knock, and how it dies away. */
function ringing(start, strength, frequency) {
  return (t) => (t < start ? 0 : strength * Math.exp((start - t) / 5) * Math.cos(frequency * (t - start)));
}

/** What the hand does in its own directions: across, along and up, at a time in readings. */
function tap(within) {
  const knock = ringing(within(15, 105), within(1, 2.2), within(0.6, 1.2));
  return (t) => [0, 0, knock(t)];
}

function doubleTap(within) {
  const [start, apart, frequency] = [within(12, 70), within(16, 36), within(0.6, 1.2)];
  const first = ringing(start, within(1, 2.2), frequency);
  const second = ringing(start + apart, within(0.8, 2), frequency);
  return (t) => [0, 0, first(t) + second(t)];
}

/** Speeding up, then slowing down. */
function swipe(within) {
  const [middle, width, strength] = [within(30, 98), within(9, 24), within(0.7, 1.6)];
  return (t) => {
    const x = (t - middle) / width;
    return [-strength * 1.6 * x * Math.exp(-x * x), 0, 0];
  };
}

/** Swings to and fro for a while: its strength rises and falls. */
function swing(within) {
  const [middle, width, strength] = [within(40, 88), within(14, 34), within(0.6, 1.4)];
  const [frequency, phase] = [within(0.2, 0.5), within(0, 2 * Math.PI)];
  return (t) => {
    const envelope = strength * Math.exp(-(((t - middle) / width) ** 2));
    return { envelope, turn: frequency * t + phase };
  };
}

function shake(within) {
  const moving = swing(within);
  return (t) => {
    const { envelope, turn } = moving(t);
    return [envelope * Math.sin(turn), 0, 0];
  };
}

function circle(within, side) {
  const moving = swing(within);
  const flatness = within(0.4, 1);
  return (t) => {
    const { envelope, turn } = moving(t);
    return [envelope * Math.cos(turn), side * flatness * envelope * Math.sin(turn), 0];
  };
}

function circleLeft(within) {
  return circle(within, 1);
}

function circleRight(within) {
  return circle(within, -1);
}

/** Turns across and along by one angle, then along and up by another: nobody holds a sensor straight. */
function tilt([x, y, z], [a, b]) {
  const [across, along] = [Math.cos(a) * x - Math.sin(a) * y, Math.sin(a) * x + Math.cos(a) * y];
  return [across, Math.cos(b) * along - Math.sin(b) * z, Math.sin(b) * along + Math.cos(b) * z];
}

/** Draws one motion of a gesture: LENGTH x AXES stored integers. */
function draw(gesture, uniform, normal, out) {
  const within = (low, high) => low + (high - low) * uniform();
  const motion = GESTURES[gesture](within);
  const angles = [within(-0.8, 0.8), within(-0.5, 0.5)];
  // Weight and warming of the sensor: an offset that wanders. The hand trembles a little, and so does the reading.
  const offsets = Array.from({ length: AXES }, () => 0.4 * normal());
  const drifts = Array.from({ length: AXES }, () => (0.5 * normal()) / LENGTH);
  const noise = within(0.1, 0.35);
  const trembling = { strength: within(0, 0.4), frequency: within(0.5, 0.9), phase: within(0, 2 * Math.PI) };
  for (let t = 0; t < LENGTH; t++) {
    const hand = motion(t);
    hand[2] += trembling.strength * Math.sin(trembling.frequency * t + trembling.phase);
    const moved = tilt(hand, angles);
    for (let axis = 0; axis < AXES; axis++) {
      const reading = moved[axis] + offsets[axis] + drifts[axis] * t + noise * normal();
      out[t * AXES + axis] = Math.min(127, Math.max(-128, Math.round(UNIT * reading)));
    }
  }
}

/** `count` motions of LENGTH x AXES stored integers, and the gesture of each. */
export function makeSamples(seed, count) {
  const uniform = createUniform(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const motions = new Int8Array(count * LENGTH * AXES);
  const gestures = new Uint8Array(count);
  for (let n = 0; n < count; n++) {
    gestures[n] = Math.floor(uniform() * GESTURES.length);
    const motion = motions.subarray(n * LENGTH * AXES, (n + 1) * LENGTH * AXES);
    draw(gestures[n], uniform, normal, motion);
  }
  return { motions, gestures };
}

/** An NPY file of 8-bit integers. */
function encodeNpy(values, shape) {
  const type = values instanceof Int8Array ? "|i1" : "|u1";
  const sizes = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const header = `${`{'descr': '${type}', 'fortran_order': False, 'shape': ${sizes}, }`.padEnd(117)}\n`;
  const start = Buffer.from("\x93NUMPY\x01\x00\x76\x00", "latin1");
  return Buffer.concat([start, Buffer.from(header), Buffer.from(values.buffer)]);
}

/** Writes the four files with as many samples as asked for. */
export function makeData(folder, counts = COUNTS) {
  mkdirSync(folder, { recursive: true });
  for (const [name, count] of Object.entries(counts)) {
    const { motions, gestures } = makeSamples(SEEDS[name], count);
    writeFileSync(join(folder, `${name}-motions.npy`), encodeNpy(motions, [count, LENGTH, AXES]));
    writeFileSync(join(folder, `${name}-gestures.npy`), encodeNpy(gestures, [count]));
  }
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href)
  makeData(argv[2] ?? join(here, "data"));
