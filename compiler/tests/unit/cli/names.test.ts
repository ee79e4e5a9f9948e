// Whatever the user calls things, the build compiles, verifies, and its file names and code carry none of the raw names.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Report } from "../../../report/results.ts";
import { hasTool } from "../../tools-present.ts";
import { createTestFolder, makeTinyProject, runJson, type TestFolder } from "./run-cli.ts";

const INJECTION = "reg; endmodule //";
const ESCAPE = "../../x";
const FOREIGN = "größe 模型";
const LONG = "n".repeat(300);

let folder: TestFolder;

beforeAll(() => {
  folder = createTestFolder("names");
});
afterAll(() => folder.remove());

describe.skipIf(!hasTool("verilator") || !hasTool("cc"))("hostile names", () => {
  it("build and verify, and reach no file name, no Verilog and no C", async () => {
    const tiny = await makeTinyProject(folder.path, { epochs: 1 });
    const model = folder.inside("odd $(name);.floor");
    const network = `model "${INJECTION}" {
  input "module": 4 as u8
  "while" = "module" -> "${ESCAPE}": dense(6) -> relu
  "reg" = "while" -> "${LONG}": dense(5) -> relu
  "__proto__" = "reg" -> "constructor": dense(4) -> relu
  output "${FOREIGN}" = "__proto__" -> "*/ ${FOREIGN} \\n": dense(3) -> argmax
}`;
    writeFileSync(
      model,
      readFileSync(tiny, "utf8").replace(/^model condition \{[^}]*\}/m, () => network),
    );
    const result = await runJson(["build", model, "--rtl-vectors", "20"], { cwd: folder.path });
    expect(result.code, result.stdout + result.stderr).toBe(0);

    const design = folder.inside("build/odd $(name);/design");
    const files = readdirSync(design, { recursive: true, withFileTypes: true }).filter((f) => f.isFile());
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) {
      expect(file.name).toMatch(/^[a-z0-9_-]{1,80}\.[a-z]+$/);
      if (!/\.(v|sv|c|h|mem)$/.test(file.name)) continue;
      const content = readFileSync(join(file.parentPath, file.name), "utf8");
      expect(content).toMatch(/^[\n\x20-\x7e]*$/);
      for (const raw of [INJECTION, "endmodule //", ESCAPE, FOREIGN, "größe", "模型", LONG, "n".repeat(80)])
        expect(content.includes(raw), `${file.name} has ${raw.slice(0, 20)}`).toBe(false);
    }
    // The report still calls the layers by the user's names.
    const report = (result.result as { report: Report }).report;
    for (const backend of [report.verify?.c, report.verify?.rtl]) expect(backend?.status).toBe("passed");
    expect(report.model).toBe(INJECTION);
    expect(report.layers!.map((l) => l.name).slice(0, 3)).toEqual([ESCAPE, LONG, "constructor"]);
  });
});
