// Makes log-mel frames of a fan that runs well, and of fans that do not. In: a folder, data/ beside this file by
// default. Out: train.npy and test.npy (running well), anomalies.npy (defects). The same bytes every time.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createUniform } from "../uniform.mjs";

const here = dirname(fileURLToPath(import.meta.url));

const BANDS = 128;
/** Frames that make one sample. */
const FRAMES = 5;
const HIGHEST_HERTZ = 8000;
/** Seconds from frame to frame. */
const HOP = 0.032;
/** Samples of each file; all of a file come from clips of their own. */
const COUNTS = { train: 8000, test: 1000, anomalies: 1000 };
const SEEDS = { train: 1, test: 2, anomalies: 3 };
/** Consecutive samples of one clip: one fan at one speed. */
const SAMPLES_PER_CLIP = 20;
const HARMONICS = 48;
const DEFECTS = ["bearing", "belt", "blade", "loose panel"];

const melOf = (hertz) => 2595 * Math.log10(1 + hertz / 700);
/** Position of a frequency among the bands. */
const bandOf = (hertz) => (melOf(hertz) / melOf(HIGHEST_HERTZ)) * BANDS - 0.5;
const centreOf = (band) => 700 * (10 ** ((((band + 0.5) / BANDS) * melOf(HIGHEST_HERTZ)) / 2595) - 1);
const resonance = (hertz, centre, width) => 1 / (1 + ((hertz - centre) / width) ** 2);

/** Adds a tone's power to the bands around it. */
function addTone(powers, hertz, power) {
  const at = bandOf(hertz);
  for (let b = Math.max(0, Math.ceil(at - 3)); b <= Math.min(BANDS - 1, at + 3); b++)
    powers[b] += power * Math.exp(-1.2 * (b - at) ** 2);
}

/** What stays the same in a clip: speed, load, distance of the microphone, and the defect if there is one. */
function createClip(uniform, normal, isDefect) {
  return {
    speed: 24 * (1 + 0.06 * (2 * uniform() - 1)),
    load: uniform(),
    gain: 10 ** (0.1 * normal()),
    hiss: 10 ** (0.15 * normal() - 4.2),
    phase: uniform(),
    defect: isDefect ? DEFECTS[Math.floor(uniform() * DEFECTS.length)] : "none",
    severity: 0.4 + 0.6 * uniform(),
  };
}

/** Mean power in each band at one moment of a clip. */
function powersAt(clip, time) {
  const { speed, load, gain, hiss, phase, defect, severity } = clip;
  const powers = new Float64Array(BANDS);
  const beat = 1 + 0.3 * Math.sin(2 * Math.PI * (1.3 * time + phase));
  for (let b = 0; b < BANDS; b++) {
    const hertz = centreOf(b);
    // Air: falls with the frequency, more of it under load.
    powers[b] = hiss + ((0.02 + 0.05 * load) * 40) / (40 + hertz) ** 1.3;
    if (defect === "bearing") powers[b] += severity * 0.004 * beat * resonance(hertz, 5200, 500);
    // A panel knocks now and then.
    if (defect === "loose panel" && Math.sin(2 * Math.PI * (2.7 * time + phase)) > 0.7)
      powers[b] += severity * 0.03 * resonance(hertz, 1400, 350);
  }
  for (let k = 1; k <= HARMONICS; k++) {
    // Three blades pass in a turn.
    const hertz = 3 * k * speed;
    // The motor and the housing each lift the harmonics near to them.
    const lift = 0.2 + (1 + load) * resonance(hertz, 420, 120) + 0.6 * resonance(hertz, 2100, 300);
    const power = (beat * lift) / k ** 1.1;
    addTone(powers, hertz, power);
    // A damaged blade is heard once a turn, a slipping belt beside every harmonic.
    if (defect === "blade")
      for (const side of [-1, 1]) addTone(powers, hertz + side * speed, severity * 0.3 * power);
    if (defect === "belt") addTone(powers, hertz * (1 + 0.11 * severity), 0.5 * power);
  }
  return powers.map((power) => power * gain);
}

/** `count` samples of FRAMES x BANDS bytes: a byte is a third of a decibel. */
export function makeSamples(seed, count, isDefect) {
  const uniform = createUniform(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const bytes = new Uint8Array(count * FRAMES * BANDS);
  let clip = createClip(uniform, normal, isDefect);
  for (let i = 0; i < count; i++) {
    if (i % SAMPLES_PER_CLIP === 0) clip = createClip(uniform, normal, isDefect);
    for (let f = 0; f < FRAMES; f++) {
      const powers = powersAt(clip, ((i % SAMPLES_PER_CLIP) * FRAMES + f) * HOP);
      for (let b = 0; b < BANDS; b++) {
        // The power of noise in a short frame scatters by about one decibel and a half.
        const decibels = 10 * Math.log10(powers[b]) + 1.5 * normal();
        bytes[(i * FRAMES + f) * BANDS + b] = Math.min(255, Math.max(0, Math.round(3 * (decibels + 60))));
      }
    }
  }
  return bytes;
}

/** An NPY file of bytes, one sample a row. */
function encodeNpy(bytes) {
  const elements = FRAMES * BANDS;
  const fields = `{'descr': '|u1', 'fortran_order': False, 'shape': (${bytes.length / elements}, ${elements}), }`;
  const header = `${fields.padEnd(117)}\n`;
  return Buffer.concat([Buffer.from("\x93NUMPY\x01\x00\x76\x00", "latin1"), Buffer.from(header), bytes]);
}

/** Writes the three files with as many samples as asked for. */
export function makeData(folder, counts = COUNTS) {
  mkdirSync(folder, { recursive: true });
  for (const [name, count] of Object.entries(counts)) {
    const bytes = makeSamples(SEEDS[name], count, name === "anomalies");
    writeFileSync(join(folder, `${name}.npy`), encodeNpy(bytes));
  }
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href)
  makeData(argv[2] ?? join(here, "data"));
