// Reads a model that somebody else wrote, in a worker that is ended at its limits. In: a path. Out: the imported network,
// or a DiagnosticError; the worker's death is a diagnostic too.
import { Worker } from "node:worker_threads";
import { formatOf, MODEL_FORMATS } from "../import/formats.ts";
import type { OpenedImport } from "../import/open.ts";
import { InternalError } from "../support/assert.ts";
import { createDiagnostic, type Diagnostic, DiagnosticError, fail } from "../support/diagnostics.ts";

export interface ReadLimits {
  /**
   * Of the processor, which a busy machine gives out slowly. The readers' own limits end them within 2 s of work; this is
   * for what those miss.
   */
  readonly seconds: number;
  /** Of the worker's heap. Arrays of numbers are outside of it; the readers count those. */
  readonly megabytes: number;
}

const LIMITS: ReadLimits = { seconds: 10, megabytes: 200 };
/** A reader that waits for a disk takes no processor time: it is ended after so many times the limit all the same. */
const WAITING = 6;
const CHECK_MS = 50;

/** What the worker hands back. */
export type WorkerAnswer =
  | { readonly kind: "read"; readonly imported: OpenedImport }
  | { readonly kind: "refused"; readonly diagnostics: readonly Diagnostic[] }
  | { readonly kind: "bug"; readonly stack: string };

/** The compiled worker, when this file runs from the sources too. */
const WORKER = import.meta.url.endsWith(".ts")
  ? new URL("../../dist/tools/model-worker.js", import.meta.url)
  : new URL("./model-worker.js", import.meta.url);

/** Reads the model at `path`, whose format its name says. Throws everything that stands in the way. */
export async function readModelFile(path: string, limits: ReadLimits = LIMITS): Promise<OpenedImport> {
  if (!formatOf(path)) {
    const known = [".floor", ...MODEL_FORMATS.flatMap(({ endings }) => endings)];
    return fail("import/unknown-format", { path, known }, { file: path });
  }
  const { seconds, megabytes } = limits;
  const worker = new Worker(WORKER, {
    workerData: path,
    resourceLimits: { maxOldGenerationSizeMb: megabytes, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 },
  });
  let timer: NodeJS.Timeout | undefined;
  const died = (code: "import/too-slow" | "import/out-of-memory"): DiagnosticError =>
    new DiagnosticError([createDiagnostic(code, { path, seconds, megabytes }, { file: path })]);
  try {
    const answer = await new Promise<WorkerAnswer>((done, reject) => {
      const started = performance.now();
      const before = process.cpuUsage();
      timer = setInterval(() => {
        const { user, system } = process.cpuUsage(before);
        const waited = (performance.now() - started) / 1000;
        if ((user + system) / 1e6 > seconds || waited > WAITING * seconds) reject(died("import/too-slow"));
      }, CHECK_MS);
      worker.once("message", done);
      worker.once("error", (error: NodeJS.ErrnoException) =>
        reject(error.code === "ERR_WORKER_OUT_OF_MEMORY" ? died("import/out-of-memory") : error),
      );
      worker.once("exit", () => reject(new InternalError(`the reader of ${path} ended without an answer`)));
    });
    if (answer.kind === "read") return answer.imported;
    if (answer.kind === "refused") throw new DiagnosticError(answer.diagnostics);
    throw new InternalError(`the reader of ${path}: ${answer.stack}`);
  } finally {
    clearInterval(timer);
    await worker.terminate();
  }
}
