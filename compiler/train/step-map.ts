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

/** The step's index of the element at row `r` and column `c`. */
export function stepIndex(map: StepMap, r: number, c: number): number {
  return map.perRow ? r : map.column[c]!;
}

/** Root mean square of the elements of each step. */
export function rmsBySteps(x: Float32Array, map: StepMap): Float64Array {
  const squares = new Float64Array(map.count);
  const counts = new Float64Array(map.count);
  for (let r = 0; r < map.rows; r++) {
    for (let c = 0; c < map.columns; c++) {
      const k = stepIndex(map, r, c);
      squares[k]! += x[r * map.columns + c]! ** 2;
      counts[k]! += 1;
    }
  }
  return squares.map((sum, k) => Math.sqrt(sum / Math.max(1, counts[k]!)));
}
