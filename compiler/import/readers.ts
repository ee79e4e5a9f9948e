// THE table of model files that can be read, by the ending of their names.
import type { ModelReaders } from "./open.ts";

export const MODEL_READERS: ModelReaders = {};
