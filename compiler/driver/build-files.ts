// Where everything stands in a build directory: one place for each name. Marker and lock are the host's.

export const BUILD_FILES = {
  report: "report.json",
  timing: "timing.json",
  train: {
    folder: "train",
    source: "train/model.floor",
    /** Of a model that comes from a file: its graph, so that the text can be read without that file. */
    imported: "train/imported.json",
    checkpoint: "train/checkpoint.bin",
    log: "train/log.jsonl",
    trained: "train/trained.json",
    result: "train/result.json",
    testInputs: "train/test-inputs.npy",
    /** Of a classifier; a regression has targets, and a network that reproduces its input neither. */
    testLabels: "train/test-labels.npy",
    testTargets: "train/test-targets.npy",
    testOutputs: "train/test-outputs.npy",
  },
  sweep: {
    folder: "sweep",
    result: "sweep/sweep.json",
    /** Where all points start: the end of the float phase. */
    shared: "sweep/float.bin",
    /** Of the point that is being trained. */
    checkpoint: "sweep/checkpoint.bin",
  },
  design: {
    folder: "design",
    program: "design/program.json",
    manifest: "design/manifest.json",
    result: "design/result.json",
    inputs: "design/vectors/inputs.npy",
    labels: "design/vectors/labels.npy",
    targets: "design/vectors/targets.npy",
    outputs: "design/vectors/training-outputs.npy",
  },
  verify: { folder: "verify", result: "verify/result.json" },
} as const;

/** Log of a point of a sweep. */
export function sweepLog(budget: number): string {
  return `${BUILD_FILES.sweep.folder}/${budget}.jsonl`;
}
