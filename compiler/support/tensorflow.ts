// The part of TensorFlow.js that training uses, as an interface, so that no pure folder imports the library: the host
// opens a backend and hands its namespace in.

/** A tensor of float32 values. */
export interface Tensor {
  readonly shape: number[];
  /** The values, read back at once. */
  dataSync(): ArrayLike<number>;
  dispose(): void;
}

/** The namespace of TensorFlow.js, with a backend chosen and ready. */
export interface TensorFlow {
  tensor(values: Float32Array, shape: number[]): Tensor;
  /** Disposes of every tensor made in `work`, except what it returns. */
  tidy<T>(work: () => T): T;
  matMul(a: Tensor, b: Tensor): Tensor;
  /** Swaps the two axes of a matrix. */
  transpose(a: Tensor): Tensor;
  add(a: Tensor, b: Tensor): Tensor;
  mul(a: Tensor, b: Tensor): Tensor;
  floor(a: Tensor): Tensor;
  clipByValue(a: Tensor, min: number, max: number): Tensor;
}

/** The values of a tensor as float32. */
export function valuesOfTensor(tensor: Tensor): Float32Array {
  const values = tensor.dataSync();
  return values instanceof Float32Array ? values : Float32Array.from(values);
}
