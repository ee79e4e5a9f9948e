#!/usr/bin/env node
// Starts the compiled command line; says what to do when it has not been built yet.
import { existsSync } from "node:fs";

const main = new URL("../dist/cli/main.js", import.meta.url);
if (!existsSync(main)) {
  process.stderr.write("noisefloor is not built yet: run `make setup` in its folder.\n");
  process.exit(69);
}
await import(main.href);
