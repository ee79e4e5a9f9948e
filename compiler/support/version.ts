// The version that generated files and checkpoints carry.

/** Kept equal to package.json by a test. */
export const VERSION = "0.1.0";
