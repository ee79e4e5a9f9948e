// Opens a TensorFlow.js backend. In: the user's project folder. Out: the namespace that training takes, which backend
// it is and why. The native backend is the user's own optional package; the WASM one comes with ours.
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Tensor, type TensorFlow, withTensors } from "../support/tensorflow.ts";

export interface OpenedTensorFlow {
  readonly tf: TensorFlow;
  readonly backend: "wasm" | "tensorflow";
  /** Why this backend, for the log. */
  readonly reason: string;
  /** Version of TensorFlow.js. */
  readonly version: string;
}

export interface TensorFlowOptions {
  /** Where an optional package of the user is looked up first. */
  readonly projectFolder: string;
}

const NATIVE = "@tensorflow/tfjs-node";

/** The parts of a namespace that opening needs beside those that training uses. */
interface Namespace extends TensorFlow {
  readonly version_core?: string;
  readonly version?: { readonly "tfjs-core"?: string };
  setWasmPaths(folder: string): void;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  getBackend(): string;
}

const ourRequire = createRequire(import.meta.url);
/** Both compiler/tools and dist/tools are two levels below the package. */
const bundleFolder = fileURLToPath(new URL("../../dist/vendor/tensorflow/", import.meta.url));

const EVENTS = ["uncaughtException", "unhandledRejection"] as const;

/** Runs `work` and takes back the process listeners that it added: they would turn a crash of ours into exit code 7. */
async function keepingListeners<T>(work: () => Promise<T>): Promise<T> {
  const before = EVENTS.map((event) => new Set(process.listeners(event as "uncaughtException")));
  try {
    return await work();
  } finally {
    EVENTS.forEach((event, i) => {
      for (const listener of process.listeners(event as "uncaughtException"))
        if (!before[i]!.has(listener)) process.removeListener(event, listener);
    });
  }
}

let openedWasm: Promise<Namespace> | undefined;

/** The bundled backend; it is started once in a process. */
function openWasm(): Promise<Namespace> {
  openedWasm ??= keepingListeners(async () => {
    const tf = ourRequire(join(bundleFolder, "tensorflow.cjs")) as Namespace;
    tf.setWasmPaths(bundleFolder);
    if (!(await tf.setBackend("wasm")))
      throw new Error("the bundled WASM backend of TensorFlow.js does not start");
    await tf.ready();
    return tf;
  });
  return openedWasm;
}

function versionOf(tf: Namespace): string {
  return tf.version_core ?? tf.version?.["tfjs-core"] ?? "unknown";
}

/** Path of the user's native package, looked up from the project folder, then from ours. */
function findNative(projectFolder: string): string | undefined {
  for (const require of [createRequire(join(projectFolder, "package.json")), ourRequire]) {
    try {
      return require.resolve(NATIVE);
    } catch {
      // Not there; the next place.
    }
  }
  return undefined;
}

/** Convolutions with strides and with dilation, for all channels together and for each alone. */
function probeConvolutions(tf: TensorFlow, wave: (length: number, k: number) => Float32Array): Tensor[] {
  const [height, width, channels] = [6, 7, 3];
  const images = tf.tensor(wave(2 * height * width * channels, 0.9), [2, height, width, channels]);
  const filter = tf.tensor(wave(6 * channels * 2, 1.1), [3, 2, channels, 2]);
  return (["conv2d", "depthwiseConv2d"] as const).flatMap((kind) => [
    tf[kind](images, filter, [2, 2], "valid", "NHWC", [1, 1]),
    tf[kind](images, filter, [1, 1], "valid", "NHWC", [2, 2]),
  ]);
}

/** One step of gradient descent on a fixed layer, through every operation that training uses. */
function probeStep(tf: TensorFlow): Float32Array {
  const [rows, inputs, units] = [7, 19, 5];
  const wave = (length: number, k: number): Float32Array =>
    Float32Array.from({ length }, (_, i) => Math.sin(k * (i + 1)) * 2);
  return withTensors(tf, () => {
    const tensor = (values: Float32Array, ...shape: number[]): Tensor => tf.tensor(values, shape);
    const x = tensor(wave(rows * inputs, 0.7), rows, inputs);
    const w = tensor(wave(units * inputs, 1.3), units, inputs);
    const y = tf.add(tf.matMul(x, tf.transpose(w)), tensor(wave(units, 0.4), 1, units));
    const rounded = tf.clipByValue(tf.floor(tf.add(y, tensor(Float32Array.of(0.5), 1, 1))), -4, 3);
    const dw = tf.matMul(tf.transpose(rounded), x);
    const next = tf.add(w, tf.mul(dw, tensor(Float32Array.of(-0.01), 1, 1)));
    return Float32Array.from(
      [next, ...probeConvolutions(tf, wave)].flatMap((t) => [...Array.from(t.dataSync())]),
    );
  });
}

/** Backends may sum in another order. */
const PROBE_TOLERANCE = 1e-4;

/** Throws, saying what is wrong, unless the native backend does the probe's step like the WASM one. */
function compareSteps(native: TensorFlow, wasm: TensorFlow): void {
  const expected = probeStep(wasm);
  const found = probeStep(native);
  if (found.length !== expected.length) throw new Error("its training step has another shape");
  const wrong = expected.findIndex((e, i) => !(Math.abs(found[i]! - e) <= PROBE_TOLERANCE));
  if (wrong >= 0)
    throw new Error(`its training step gives ${found[wrong]} where ${expected[wrong]} is right`);
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0]!;
}

/** Opens the WASM backend that comes with this package, whatever else is installed; `reason` is handed on. */
export async function openBundledTensorFlow(reason: string): Promise<OpenedTensorFlow> {
  const tf = await openWasm();
  return { tf, backend: "wasm", reason, version: versionOf(tf) };
}

/** Opens the native backend when the user has it and it works, else the bundled WASM backend with the reason. */
export async function openTensorFlow(options: TensorFlowOptions): Promise<OpenedTensorFlow> {
  const path = findNative(options.projectFolder);
  if (path === undefined) return openBundledTensorFlow(`${NATIVE} is not installed`);
  try {
    const native = await keepingListeners(async () => {
      const tf = ourRequire(path) as Namespace;
      await tf.ready();
      return tf;
    });
    compareSteps(native, await openWasm());
    return {
      tf: native,
      backend: "tensorflow",
      reason: `${NATIVE} is installed and passed its probe`,
      version: versionOf(native),
    };
  } catch (error) {
    return openBundledTensorFlow(`${NATIVE} is installed but did not pass its probe: ${firstLine(error)}`);
  }
}
