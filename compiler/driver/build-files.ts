// Where everything stands in a build directory: one place for each name. Marker and lock are the host's.

export const BUILD_FILES = {
  report: "report.json",
  timing: "timing.json",
  /** Bits of weights that a part was found to have room for. */
  fit: "fit.json",
  train: {
    folder: "train",
    source: "train/model.floor",
    /** Of a model that comes from a file: its graph, so that the text can be read without that file. */
    imported: "train/imported.json",
    checkpoint: "train/checkpoint.bin",
    log: "train/log.jsonl",
    trained: "train/trained.json",
    result: "train/result.json",
    /** Of the first input or output; `portFile` names those of the others. */
    testInputs: "train/test-inputs.npy",
    /** Of classes; real values are targets, and a network that reproduces its inputs has neither. */
    testLabels: "train/test-labels.npy",
    testTargets: "train/test-targets.npy",
    testOutputs: "train/test-outputs.npy",
  },
  /** Of a model whose file states its quantizers: what other models have in train/. */
  import: {
    folder: "import",
    source: "import/model.floor",
    /** What the text is checked by, so that it can be read without the model's file. */
    network: "import/network.json",
    program: "import/program.json",
    result: "import/result.json",
    testInputs: "import/test-inputs.npy",
    testLabels: "import/test-labels.npy",
    testTargets: "import/test-targets.npy",
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
  export: { folder: "export" },
  /** A folder for each target, and for each board. */
  flow: { folder: "flow" },
} as const;

/** The file of an input or output by its index: that of the first has the plain name, the next ones end in -2, -3 and so on. */
export function portFile(path: string, index: number): string {
  return index === 0 ? path : path.replace(/\.npy$/, `-${index + 1}.npy`);
}

/** Folder and files of one target or board. */
export function flowFiles(name: string) {
  const folder = `${BUILD_FILES.flow.folder}/${name}`;
  return {
    folder,
    result: `${folder}/result.json`,
    netlist: `${folder}/netlist.v`,
    /** What the gate found of the netlist, or the known-answer test of a board; goes with it. */
    verification: `${folder}/verification.json`,
  } as const;
}

/** Log of a point of a sweep. */
export function sweepLog(budget: number): string {
  return `${BUILD_FILES.sweep.folder}/${budget}.jsonl`;
}
