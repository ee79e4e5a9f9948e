import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withTensors } from "../../../support/tensorflow.ts";
import { openTensorFlow } from "../../../tools/tensorflow.ts";
import { bundle } from "./small-data.ts";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const bundleFile = join(root, "dist/vendor/tensorflow/tensorflow.cjs");
const folders: string[] = [];

beforeAll(bundle);
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A project folder in which the native package is this text. */
function projectWith(packageText: string | undefined): string {
  const folder = mkdtempSync(join(tmpdir(), "noisefloor-tensorflow-"));
  folders.push(folder);
  if (packageText !== undefined) {
    const place = join(folder, "node_modules/@tensorflow/tfjs-node");
    mkdirSync(place, { recursive: true });
    writeFileSync(
      join(place, "package.json"),
      '{"name":"@tensorflow/tfjs-node","version":"4.22.0","main":"index.js"}',
    );
    writeFileSync(join(place, "index.js"), packageText);
  }
  return folder;
}

const GOOD = `module.exports = { ...require(${JSON.stringify(bundleFile)}) };`;

describe("the backend", () => {
  test("is the bundled one when nothing else is installed", async () => {
    const opened = await openTensorFlow({ projectFolder: projectWith(undefined) });
    expect(opened.backend).toBe("wasm");
    expect(opened.reason).toMatch(/not installed/);
    expect(opened.version).toBe("4.22.0");
    const product = withTensors(opened.tf, () => {
      const a = opened.tf.tensor(Float32Array.of(1, 2, 3, 4), [2, 2]);
      return [...Array.from(opened.tf.matMul(a, a).dataSync())];
    });
    expect(product).toEqual([7, 10, 15, 22]);
  });

  test("is the native one when it is installed and computes the same", async () => {
    const opened = await openTensorFlow({ projectFolder: projectWith(GOOD) });
    expect(opened.backend).toBe("tensorflow");
    expect(opened.reason).toMatch(/passed/);
  });

  test("falls back when the native one throws at import", async () => {
    const opened = await openTensorFlow({
      projectFolder: projectWith('throw new Error("The specified module could not be found.\\nmore");'),
    });
    expect(opened.backend).toBe("wasm");
    expect(opened.reason).toMatch(/did not pass its probe: The specified module could not be found\.$/);
  });

  test.each([
    [
      "computes something else",
      `${GOOD} module.exports.matMul = (a, b) => module.exports.mul(1.1, require(${JSON.stringify(bundleFile)}).matMul(a, b));`,
    ],
    ["gives no numbers", `${GOOD} module.exports.floor = (a) => module.exports.mul(a, NaN);`],
    ["has no such operation", `${GOOD} delete module.exports.clipByValue;`],
    ["has another shape", "module.exports = {};"],
  ])("falls back when the native one %s", async (_, text) => {
    const opened = await openTensorFlow({ projectFolder: projectWith(text) });
    expect(opened.backend).toBe("wasm");
    expect(opened.reason).toMatch(/did not pass its probe: /);
  });

  test("leaves no listener for crashes behind", async () => {
    await openTensorFlow({ projectFolder: root });
    const named = (event: string): string =>
      process
        .listeners(event as "uncaughtException")
        .map(String)
        .join("\n");
    expect(named("uncaughtException")).not.toMatch(/ExitStatus|quit_|keepRuntimeAlive/);
    // In a process of its own, without the listeners of the test runner.
    const script = `
      const before = process.listenerCount("uncaughtException") + process.listenerCount("unhandledRejection");
      const tf = require(${JSON.stringify(bundleFile)});
      tf.setWasmPaths(${JSON.stringify(join(root, "dist/vendor/tensorflow/"))});
      tf.setBackend("wasm").then(() => console.log(process.listenerCount("uncaughtException") + process.listenerCount("unhandledRejection") - before));`;
    const added = execFileSync(process.execPath, ["-e", script], { encoding: "utf8" });
    expect(Number(added), "the bundle adds listeners, so the test above tests something").toBeGreaterThan(0);
  });
});

test("a bundle that is up to date is left alone", () => {
  const start = performance.now();
  bundle();
  expect(performance.now() - start).toBeLessThan(5000);
});
