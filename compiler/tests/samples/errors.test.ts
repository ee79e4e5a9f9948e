// What a person reads of a text with mistakes: one folder of errors/ for each case, with model.floor and
// expected.txt. `npx vitest run compiler/tests/samples -u` writes the expected texts again; read the difference.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { printDiagnostics } from "../../support/diagnostic-printer.ts";
import { compileText } from "../unit/dsl/model-text.ts";

const folder = fileURLToPath(new URL("errors", import.meta.url));
const cases = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());

test("there are cases", () => expect(cases.length).toBeGreaterThan(0));

test.each(cases.map((entry) => entry.name).sort())("%s", async (name) => {
  const text = readFileSync(`${folder}/${name}/model.floor`, "utf8");
  const printed = `${printDiagnostics(compileText(text, "model.floor").diagnostics)}\n`;
  await expect(printed).toMatchFileSnapshot(`${folder}/${name}/expected.txt`);
});
