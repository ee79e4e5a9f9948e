// Which step of a quantizer an element of a matrix belongs to: one for the tensor, one for each row or column, or one
// for each group of adjacent columns.

export interface StepMap {
  readonly rows: number;
  readonly columns: number;
  /** Steps of the quantizer. */
  readonly count: number;
  /** Whether each row has a step of its own; then `column` is all 0. */
  readonly perRow: boolean;
  /** Index of the step by column. */
  readonly column: Int32Array;
}

/** One step for the whole matrix. */
export function oneStep(rows: number, columns: number): StepMap {
  return { rows, columns, count: 1, perRow: false, column: new Int32Array(columns) };
}

/** One step a row. */
export function stepPerRow(rows: number, columns: number): StepMap {
  return { rows, columns, count: rows, perRow: true, column: new Int32Array(columns) };
}

/** One step for `size` adjacent columns. */
export function stepPerGroup(rows: number, columns: number, size: number): StepMap {
  const column = Int32Array.from({ length: columns }, (_, c) => Math.floor(c / size));
  return { rows, columns, count: Math.ceil(columns / size), perRow: false, column };
}

/** Calls `run` for stretches of elements, row-major, that have one step. */
export function byStretch(map: StepMap, run: (from: number, to: number, index: number) => void): void {
  const { rows, columns, count, perRow, column } = map;
  if (count === 1) {
    run(0, rows * columns, 0);
    return;
  }
  for (let r = 0; r < rows; r++) {
    if (perRow) {
      run(r * columns, (r + 1) * columns, r);
      continue;
    }
    for (let c = 0; c < columns; ) {
      const index = column[c]!;
      let end = c + 1;
      while (end < columns && column[end] === index) end++;
      run(r * columns + c, r * columns + end, index);
      c = end;
    }
  }
}

/** Root mean square of the elements of each step. */
export function rmsBySteps(x: Float32Array, map: StepMap): Float64Array {
  return rmsOfSums(map, (from, to) => {
    let sum = 0;
    for (let i = from; i < to; i++) sum += x[i]! * x[i]!;
    return sum;
  });
}

/** Clamps the elements of each step to [-range, range], in place; gives their root mean squares then. */
export function clampBySteps(x: Float32Array, map: StepMap, ranges: ArrayLike<number>): Float64Array {
  return rmsOfSums(map, (from, to, index) => clampAndSum(x, from, to, ranges[index]!));
}

function clampAndSum(x: Float32Array, from: number, to: number, range: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) {
    if (x[i]! > range) x[i] = range;
    else if (x[i]! < -range) x[i] = -range;
    sum += x[i]! * x[i]!;
  }
  return sum;
}

function rmsOfSums(map: StepMap, sumOf: (from: number, to: number, index: number) => number): Float64Array {
  const squares = new Float64Array(map.count);
  const counts = new Float64Array(map.count);
  byStretch(map, (from, to, index) => {
    squares[index]! += sumOf(from, to, index);
    counts[index]! += to - from;
  });
  return squares.map((sum, k) => Math.sqrt(sum / Math.max(1, counts[k]!)));
}
