// The published JSON schemas under docs/ are those of the code.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createProgramBuilder, intFormat } from "../../../program/builder.ts";
import { printProgram } from "../../../program/print.ts";
import { programSchema } from "../../../program/read.ts";
import { reportSchema } from "../../../report/results.ts";
import { sweepSchema } from "../../../report/sweep-result.ts";

const docs = fileURLToPath(new URL("../../../../docs/", import.meta.url));

const PUBLISHED = [
  {
    file: "report.schema.json",
    schema: reportSchema,
    title: "noisefloor report.json",
    description: "What a build came to. A stage that was never asked for is absent.",
  },
  {
    file: "sweep.schema.json",
    schema: sweepSchema,
    title: "noisefloor sweep.json",
    description: "The points of a sweep over budgets of bit operations.",
  },
  {
    file: "program.schema.json",
    schema: programSchema,
    title: "noisefloor program.json",
    description: "An integer program: what simulator, Verilog and C compute.",
  },
] as const;

describe("a published schema", () => {
  it.each(PUBLISHED)("docs/$file is that of the code (UPDATE_DOCS=1 rewrites it)", (published) => {
    const { $schema, ...rest } = z.toJSONSchema(published.schema);
    const { title, description } = published;
    const json = { $schema, title, description, ...rest };
    if (process.env.UPDATE_DOCS) writeFileSync(docs + published.file, `${JSON.stringify(json, null, 2)}\n`);
    expect(existsSync(docs + published.file)).toBe(true);
    expect(JSON.parse(readFileSync(docs + published.file, "utf8"))).toEqual(json);
  });

  it("refuses keys that it does not name", () => {
    for (const { schema } of PUBLISHED)
      expect(z.toJSONSchema(schema)).toMatchObject({ type: "object", additionalProperties: false });
  });

  it("names every key of a printed program as required", () => {
    const b = createProgramBuilder("p");
    const x = b.input({ name: "x", shape: [1], format: intFormat(false, 8, 8) });
    b.output("y", b.requantize({ layer: "y", name: "y", input: x, format: intFormat(false, 2, 2) }), "value");
    const { required } = z.toJSONSchema(programSchema);
    expect([...required!].sort()).toEqual(Object.keys(JSON.parse(printProgram(b.build()))).sort());
  });
});
