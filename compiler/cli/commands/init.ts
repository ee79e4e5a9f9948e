// noisefloor init [DIR]: a small project that builds at once, with data made here.
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeSampleCsv } from "../../data/sample-data.ts";
import { makeFolder } from "../../host/node/folders.ts";
import { replaceWholeFile } from "../../host/node/whole-folder.ts";
import { createDiagnostic, DiagnosticError } from "../../support/diagnostics.ts";
import type { CommandOutcome } from "../context.ts";
import { checkFolder } from "../path-checks.ts";

const MODEL = `floor 1

# Condition of a machine from four sensor readings. The data in data/ is made up.
data {
  train: csv("data/train.csv", label: "condition")
  test: csv("data/test.csv", label: "condition")
  validation: 100 samples
}

model condition {
  input sensors: 4 as u8
  hidden = sensors -> fc1: dense(12) -> relu
  output state = hidden -> fc2: dense(3) -> argmax
}

train {
  objective: budget(1 kbitops)
  batch: 32 samples
  learning_rate: 0.01
  seed: 1
}

hardware {
  clock: 100 MHz
  interval: 16 cycles
}
`;

const README = `# condition

A small network that tells the condition of a machine from four sensor readings.

    noisefloor build             trains, compiles to Verilog and C, proves them equal
    noisefloor explain build/condition
    noisefloor simulate build/condition --input samples.npy

\`condition.floor\` is the model. \`data/\` holds made-up training and test data: replace them by your own CSV with a
header row, the label in the column that the model names.
`;

export async function initCommand(
  folder: string | undefined,
  options: { readonly seed?: number },
): Promise<CommandOutcome> {
  const root = folder ?? ".";
  const { train, test } = makeSampleCsv(options.seed ?? 1);
  const files: Readonly<Record<string, string>> = {
    "condition.floor": MODEL,
    "data/train.csv": train,
    "data/test.csv": test,
    ".gitignore": "build/\nnode_modules/\n",
    "README.md": README,
  };
  checkFolder("init", root);
  for (const path of Object.keys(files)) checkFolder("init", dirname(join(root, path)));
  const there = Object.keys(files).filter((path) => existsSync(join(root, path)));
  // An init that was killed left some of them, whole: it is finished. Anything else is the user's.
  const isCutShort =
    there.length < Object.keys(files).length &&
    there.every((path) => holdsText(join(root, path), files[path]!));
  if (there.length > 0 && !isCutShort)
    throw new DiagnosticError(
      there.map((path) => createDiagnostic("cli/file-exists", { path: join(root, path) })),
    );
  for (const [path, content] of Object.entries(files)) {
    makeFolder(dirname(join(root, path)));
    replaceWholeFile(join(root, path), content);
  }
  const next = folder === undefined ? "noisefloor build" : `cd ${folder} && noisefloor build`;
  return {
    result: { folder: root, files: Object.keys(files) },
    text: `made ${Object.keys(files).join(", ")} in ${root}\nnext: ${next}`,
  };
}

function holdsText(path: string, text: string): boolean {
  return statSync(path).isFile() && readFileSync(path, "utf8") === text;
}
