// Diagnostics of the build directory.
import { entry } from "./define.ts";

export const buildMessages = {
  "build/bad-file": entry<{ path: string; problem: string }>({
    message: ({ path, problem }) => `${path} cannot be read: ${problem}`,
    hint: ({ path }) =>
      /(^|\/)train\//.test(path)
        ? "the training is damaged, or of another version: --fresh trains again, -o DIR builds into another directory"
        : "the build directory is damaged: compile again with --force",
  }),
  "build/checkpoint-of-another-run": entry<{ directory: string; parts: readonly string[] }>({
    message: ({ directory, parts }) =>
      `the training in ${directory} is of another run: ${parts.join(", ")} changed since`,
    hint: () => "--fresh starts again and discards it; -o DIR trains into another directory",
  }),
  "build/link": entry<{ path: string }>({
    message: ({ path }) => `${path} is a symbolic link, which may lead out of the build directory`,
    hint: () => "put there what it leads to, or build into another directory with -o",
  }),
  "build/locked": entry<{ directory: string; pid: number }>({
    message: ({ directory, pid }) => `${directory} is in use by another noisefloor (process ${pid})`,
    hint: () => "wait for it to end, or build into another directory with -o",
  }),
  "build/missing": entry<{ directory: string }>({
    message: ({ directory }) => `no build directory ${directory}`,
    hint: () => "noisefloor build MODEL -o DIR makes one",
  }),
  "build/modified": entry<{ path: string; what: "changed" | "missing" | "added" }>({
    message: ({ path, what }) => `${path} was ${what === "missing" ? "deleted" : what} after it was compiled`,
    hint: () => "compile again with --force to replace the design, or copy it elsewhere before you edit it",
  }),
  "build/modified-training": entry<{ path: string }>({
    message: ({ path }) => `${path} is not as training left it`,
    hint: () => "train again with --fresh",
  }),
  "build/no-directory": entry<{ directory: string; obstacle: string; create: boolean }>({
    message: ({ directory, obstacle }) =>
      `${directory} cannot be a build directory: ${obstacle} is not a directory`,
    hint: ({ create }) =>
      create ? "choose another directory with -o" : "name a directory that noisefloor made",
  }),
  "build/not-compiled": entry<{ directory: string }>({
    message: ({ directory }) => `${directory} holds no compiled design`,
    hint: ({ directory }) => `noisefloor compile ${directory}, or noisefloor build MODEL -o ${directory}`,
  }),
  "build/not-ours": entry<{ directory: string }>({
    message: ({ directory }) => `${directory} exists and was not made by noisefloor`,
    hint: () => "name a directory that noisefloor made, or another one to make",
  }),
  "build/not-trained": entry<{ directory: string }>({
    message: ({ directory }) => `${directory} holds no trained model`,
    hint: ({ directory }) => `noisefloor build MODEL -o ${directory} trains, compiles and verifies`,
  }),
};
