// How a program's tensors lie in an ONNX file: a batch of one in front, channels behind it, then the spatial axes. In: shapes
// and axes of the program, which has channels last. Out: those of the file.

/** Sizes of a value in the file. */
export function fileDims(shape: readonly number[]): readonly number[] {
  return [1, shape.at(-1)!, ...shape.slice(0, -1)];
}

/** The file's axis of a value's axis. */
export function fileAxis(axis: number, shape: readonly number[]): number {
  return axis === shape.length - 1 ? 1 : axis + 2;
}

/** One number for each axis of a value, in the order of the file's axes behind the batch. */
export function byFileAxis(values: readonly number[]): readonly number[] {
  return [values.at(-1)!, ...values.slice(0, -1)];
}

/** From the file's order to channels last, for Transpose. */
export function toChannelsLast(rank: number): readonly number[] {
  return [0, ...Array.from({ length: rank - 1 }, (_, a) => a + 2), 1];
}

/** From channels last to the file's order. */
export function toChannelsFirst(rank: number): readonly number[] {
  return [0, rank, ...Array.from({ length: rank - 1 }, (_, a) => a + 1)];
}

/** Sizes of constants with one number for each channel beside a value. */
export function channelDims(count: number, rank: number): readonly number[] {
  return count === 1 ? [] : [1, count, ...new Array<number>(rank - 1).fill(1)];
}

/** Weights [units, ...kernel, channels] as [units, channels, ...kernel]; `flip` turns the kernel around. */
export function kernelFirst(
  data: readonly number[],
  [units, ...rest]: readonly number[],
  flip: boolean,
): number[] {
  const channels = rest.at(-1)!;
  const taps = data.length / (units! * channels);
  return data.map((_, i) => {
    const [unit, channel, at] = [
      Math.floor(i / (channels * taps)),
      Math.floor(i / taps) % channels,
      i % taps,
    ];
    const tap = flip ? taps - 1 - at : at;
    return data[(unit * taps + tap) * channels + channel]!;
  });
}
