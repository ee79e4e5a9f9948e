// Which reader reads which file, by the end of its name.
import type { ModelReader } from "./model-import.ts";
import { readOnnx } from "./onnx/read.ts";

export interface ModelFormat {
  readonly name: string;
  /** Ends of the names of its files, in small letters. */
  readonly endings: readonly string[];
  readonly read: ModelReader;
}

export const MODEL_FORMATS: readonly ModelFormat[] = [{ name: "ONNX", endings: [".onnx"], read: readOnnx }];

/** The format of a file; undefined for one that no reader is there for. */
export function formatOf(path: string): ModelFormat | undefined {
  const name = path.toLowerCase();
  return MODEL_FORMATS.find(({ endings }) => endings.some((ending) => name.endsWith(ending)));
}
