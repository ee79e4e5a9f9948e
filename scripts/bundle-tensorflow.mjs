// Bundles TensorFlow.js (core and the WASM backend) into dist/vendor/tensorflow/, so that users
// install no TensorFlow package. Does nothing when the bundle is that of the installed versions and of this script.
// CommonJS, because the backend does not start from an ECMAScript module bundle in Node.
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const output = join(root, "dist/vendor/tensorflow");
const require = createRequire(import.meta.url);
const folderOf = (name) => dirname(require.resolve(`${name}/package.json`));
const versionOf = (name) => JSON.parse(readFileSync(join(folderOf(name), "package.json"), "utf8")).version;

const CORE = "@tensorflow/tfjs-core";
const BACKEND = "@tensorflow/tfjs-backend-wasm";
/** Bundled packages: two of core's dependencies have licence terms that travel along. */
const PARTS = [CORE, BACKEND, "long", "seedrandom", "rolldown"];
// The threaded binary is left out: in Node the backend never picks it.
const BINARIES = ["tfjs-backend-wasm-simd.wasm", "tfjs-backend-wasm.wasm"];

const stamp = createHash("sha256")
  .update(readFileSync(fileURLToPath(import.meta.url)))
  .update(PARTS.map((name) => `${name}@${versionOf(name)}`).join("\n"))
  .digest("hex");

function upToDate() {
  const stampFile = join(output, "stamp");
  return (
    existsSync(stampFile) &&
    readFileSync(stampFile, "utf8") === stamp &&
    ["tensorflow.cjs", ...BINARIES].every((name) => existsSync(join(output, name)))
  );
}

const ENTRY = "\0noisefloor-tensorflow";
// Training writes its gradients out itself, so those of the library stay out.
const entryText = `
export * from "${CORE}/dist/index.js";
export { setWasmPaths, version_wasm } from "${BACKEND}/dist/index.js";
`;

const notice = `This folder holds TensorFlow.js ${versionOf(CORE)} (@tensorflow/tfjs-core and @tensorflow/tfjs-backend-wasm),
bundled into one file and otherwise unchanged, and the WebAssembly binaries of the backend.

TensorFlow.js      Copyright Google LLC.        Apache License 2.0, see LICENSE.txt
                   https://github.com/tensorflow/tfjs
long               Copyright Daniel Wirtz and others.  Apache License 2.0, see LICENSE.txt
                   https://github.com/dcodeIO/long.js
seedrandom         Copyright 2019 David Bau.    MIT License, below
                   https://github.com/davidbau/seedrandom
The binaries contain XNNPACK (BSD 3-Clause, Facebook and Google) and the Emscripten run time (MIT).

MIT License: Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction, including without
limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the
Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:
The above copyright notice and this permission notice shall be included in all copies or substantial portions of
the Software. THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT
LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT
SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF
CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS
IN THE SOFTWARE.
`;

async function bundle() {
  const { rolldown } = await import("rolldown");
  const made = await rolldown({
    input: ENTRY,
    platform: "node",
    // Only reached where there is no global fetch, which every supported Node has.
    external: ["node-fetch"],
    treeshake: false,
    logLevel: "silent",
    plugins: [
      {
        name: "entry",
        resolveId: (id) => {
          if (id === ENTRY) return ENTRY;
          // The package's `main` is a file with everything in it; the backend must share the modules of this entry.
          if (id === CORE) return join(folderOf(CORE), "dist/index.js");
          if (id.startsWith(`${CORE}/`)) return join(folderOf(CORE), id.slice(CORE.length + 1));
          if (id.startsWith(`${BACKEND}/`)) return join(folderOf(BACKEND), id.slice(BACKEND.length + 1));
          return null;
        },
        load: (id) => (id === ENTRY ? entryText : null),
      },
    ],
  });
  try {
    const { output: chunks } = await made.generate({ format: "cjs", minify: true, codeSplitting: false });
    return chunks[0].code;
  } finally {
    await made.close();
  }
}

if (!upToDate()) {
  const code = await bundle();
  // Test workers may bundle at the same time: a folder of its own for each, then one rename.
  const work = `${output}.${process.pid}`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, "tensorflow.cjs"), code);
  for (const name of BINARIES) copyFileSync(join(folderOf(BACKEND), "dist", name), join(work, name));
  copyFileSync(join(root, "LICENSE"), join(work, "LICENSE.txt"));
  writeFileSync(join(work, "NOTICE.txt"), notice);
  writeFileSync(join(work, "stamp"), stamp);
  const old = `${output}.old.${process.pid}`;
  if (existsSync(output)) renameSync(output, old);
  try {
    renameSync(work, output);
  } catch (error) {
    // Another process was first; its bundle is the same.
    rmSync(work, { recursive: true, force: true });
    if (!upToDate()) throw error;
  }
  rmSync(old, { recursive: true, force: true });
}
