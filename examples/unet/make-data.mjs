// Makes images of discs, rings and bars on an uneven, noisy ground, with the class of every pixel. In: a folder, data/
// beside this file by default. Out: train-images.npy, train-masks.npy, test-images.npy, test-masks.npy. The same bytes
// every time.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createUniform } from "../uniform.mjs";

const here = dirname(fileURLToPath(import.meta.url));

/** Rows and columns of an image. */
const SIZE = 32;
const COUNTS = { train: 4000, test: 1000 };
const SEEDS = { train: 1, test: 2 };
/** In the order of the classes 1, 2 and 3; 0 is the ground. */
const SHAPES = [createDisc, createRing, createBar];
/** Shapes of an image, at least and at most. */
const SHAPE_COUNT = [3, 6];
/** Places that are tried for a shape. */
const PLACES = 4;
/** Standard deviation of the noise of a pixel, as a part of the range. */
const NOISE = 0.05;

/** How far a point at (x, y) from the middle is inside of the shape, in pixels: above 0 inside. */
function createDisc(within) {
  const radius = within(3, 7);
  return (x, y) => radius - Math.hypot(x, y);
}

function createRing(within) {
  const radius = within(4, 8);
  const half = within(1, 1.8);
  return (x, y) => half - Math.abs(Math.hypot(x, y) - radius);
}

function createBar(within) {
  const angle = within(0, Math.PI);
  const half = within(1.3, 2.8);
  const length = within(6, 12);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return (x, y) => Math.min(half - Math.abs(s * x - c * y), length - Math.abs(c * x + s * y));
}

/** Brightness of the ground at a point: a slope, and a slow wave. */
function createGround(within) {
  const level = within(0.35, 0.65);
  const [across, down] = [within(-0.2, 0.2), within(-0.2, 0.2)];
  const depth = within(0, 0.1);
  const [waveX, waveY, phase] = [within(-0.4, 0.4), within(-0.4, 0.4), within(0, 2 * Math.PI)];
  return (x, y) =>
    level +
    across * (x / SIZE - 0.5) +
    down * (y / SIZE - 0.5) +
    depth * Math.sin(waveX * x + waveY * y + phase);
}

/** A place for a shape at which it covers little of the others; of several that are tried the best one. */
function findPlace(within, inside, mask) {
  let best;
  for (let n = 0; n < PLACES; n++) {
    const [middleX, middleY] = [within(3, SIZE - 4), within(3, SIZE - 4)];
    let covered = 0;
    for (let i = 0; i < mask.length; i++)
      if (mask[i] > 0 && inside((i % SIZE) - middleX, Math.floor(i / SIZE) - middleY) >= -1) covered++;
    if (!best || covered < best.covered) best = { middleX, middleY, covered };
  }
  return best;
}

/** Draws one image over `image` (brightness) and `mask` (classes); shapes that come later lie on top. */
function draw(uniform, normal, image, mask) {
  const within = (low, high) => low + (high - low) * uniform();
  const ground = createGround(within);
  for (let i = 0; i < image.length; i++) image[i] = ground(i % SIZE, Math.floor(i / SIZE));
  mask.fill(0);
  const count = Math.floor(within(SHAPE_COUNT[0], SHAPE_COUNT[1] + 1));
  for (let n = 0; n < count; n++) {
    const kind = Math.floor(uniform() * SHAPES.length);
    const inside = SHAPES[kind](within);
    const { middleX, middleY } = findPlace(within, inside, mask);
    // Lighter or darker than the ground, all shapes alike: brightness alone does not tell the class.
    const contrast = within(0.15, 0.4) * (uniform() < 0.5 ? -1 : 1);
    for (let i = 0; i < image.length; i++) {
      const [x, y] = [i % SIZE, Math.floor(i / SIZE)];
      const depth = inside(x - middleX, y - middleY);
      if (depth <= -0.5) continue;
      // A pixel at the edge is covered in part; it belongs to the shape from one half on.
      const part = Math.min(1, depth + 0.5);
      image[i] += part * (ground(x, y) + contrast - image[i]);
      if (depth >= 0) mask[i] = kind + 1;
    }
  }
  for (let i = 0; i < image.length; i++) image[i] += NOISE * normal();
}

/** `count` images of SIZE x SIZE bytes, and as many classes. */
export function makeSamples(seed, count) {
  const uniform = createUniform(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const pixels = SIZE * SIZE;
  const images = new Uint8Array(count * pixels);
  const masks = new Uint8Array(count * pixels);
  const image = new Float64Array(pixels);
  for (let n = 0; n < count; n++) {
    draw(uniform, normal, image, masks.subarray(n * pixels, (n + 1) * pixels));
    for (let i = 0; i < pixels; i++)
      images[n * pixels + i] = Math.min(255, Math.max(0, Math.round(256 * image[i])));
  }
  return { images, masks };
}

/** An NPY file of bytes, SIZE x SIZE for each sample. */
function encodeNpy(bytes) {
  const shape = `(${bytes.length / SIZE ** 2}, ${SIZE}, ${SIZE})`;
  const header = `${`{'descr': '|u1', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117)}\n`;
  return Buffer.concat([Buffer.from("\x93NUMPY\x01\x00\x76\x00", "latin1"), Buffer.from(header), bytes]);
}

/** Writes the four files with as many samples as asked for. */
export function makeData(folder, counts = COUNTS) {
  mkdirSync(folder, { recursive: true });
  for (const [name, count] of Object.entries(counts)) {
    const { images, masks } = makeSamples(SEEDS[name], count);
    writeFileSync(join(folder, `${name}-images.npy`), encodeNpy(images));
    writeFileSync(join(folder, `${name}-masks.npy`), encodeNpy(masks));
  }
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href)
  makeData(argv[2] ?? join(here, "data"));
