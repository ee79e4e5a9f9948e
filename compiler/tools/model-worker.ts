// The worker that reads a model which somebody else wrote. In: its path. Out: one message, a WorkerAnswer.
import { parentPort, workerData } from "node:worker_threads";
import { createSiblingReader, readModelBytes } from "../host/node/model-files.ts";
import { formatOf } from "../import/formats.ts";
import { openImport } from "../import/open.ts";
import { DiagnosticError } from "../support/diagnostics.ts";
import type { WorkerAnswer } from "./read-model-file.ts";

function answerFor(path: string): WorkerAnswer {
  try {
    const bytes = readModelBytes(path);
    const imported = openImport(bytes, { path, readExternal: createSiblingReader(path) }, formatOf(path)!);
    return { kind: "read", imported };
  } catch (error) {
    if (error instanceof DiagnosticError) return { kind: "refused", diagnostics: error.diagnostics };
    return { kind: "bug", stack: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** The memory of all arrays of numbers in plain data, once each: it is handed over, where a copy would take as much again. */
function buffersIn(data: unknown, found = new Set<ArrayBuffer>()): ReadonlySet<ArrayBuffer> {
  if (ArrayBuffer.isView(data)) found.add(data.buffer as ArrayBuffer);
  else if (data instanceof Map || Array.isArray(data))
    for (const [, part] of data.entries()) buffersIn(part, found);
  else if (typeof data === "object" && data !== null)
    for (const part of Object.values(data)) buffersIn(part, found);
  return found;
}

const answer = answerFor(workerData as string);
parentPort!.postMessage(answer, [...buffersIn(answer)]);
