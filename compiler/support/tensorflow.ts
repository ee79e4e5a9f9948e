// The part of TensorFlow.js that training uses, as an interface, so that no pure folder imports the library: the host
// opens a backend and hands its namespace in.

/** A tensor of float32 values. */
export interface Tensor {
  readonly shape: number[];
  /** The values, read back at once. */
  dataSync(): ArrayLike<number>;
  dispose(): void;
}

/** Convolves images [count, height, width, channels] without padding. Strides or dilations must be 1. */
type Convolve = (
  images: Tensor,
  filter: Tensor,
  strides: [number, number],
  padding: "valid",
  layout: "NHWC",
  dilations: [number, number],
) => Tensor;

/** The namespace of TensorFlow.js, with a backend chosen and ready. */
export interface TensorFlow {
  tensor(values: Float32Array, shape: number[]): Tensor;
  /** Disposes of every tensor made in `work`. `withTensors` is the one to call. */
  tidy(work: () => void): void;
  matMul(a: Tensor, b: Tensor): Tensor;
  /** By a filter [height, width, channels, units]: [count, height, width, units]. */
  conv2d: Convolve;
  /** By a filter [height, width, channels, multiplier] for each channel: [.., channels * multiplier]. */
  depthwiseConv2d: Convolve;
  /** Swaps the two axes of a matrix. */
  transpose(a: Tensor): Tensor;
  add(a: Tensor, b: Tensor): Tensor;
  mul(a: Tensor, b: Tensor): Tensor;
  floor(a: Tensor): Tensor;
  clipByValue(a: Tensor, min: number, max: number): Tensor;
}

/**
 * Runs `work` and disposes of every tensor made in it; the result must not hold any. The library's own `tidy` looks
 * for tensors in what is returned, through every element of every array, which takes longer than the work.
 */
export function withTensors<T>(tf: TensorFlow, work: () => T): T {
  let result: { readonly value: T } | undefined;
  tf.tidy(() => {
    result = { value: work() };
  });
  return result!.value;
}

/** The values of a tensor as float32. */
export function valuesOfTensor(tensor: Tensor): Float32Array {
  const values = tensor.dataSync();
  return values instanceof Float32Array ? values : Float32Array.from(values);
}
