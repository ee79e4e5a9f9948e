// Templates reach the own fields of their plan and nothing else: no prototypes, no helpers that look names up.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Handlebars from "handlebars";
import { describe, expect, it } from "vitest";
import { templateSpecs } from "../../../render/embedded.generated.ts";
import { fixedFile, renderTemplate } from "../../../render/render.ts";

const folder = fileURLToPath(new URL("../../../../templates", import.meta.url));
const templates = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
  name.endsWith(".hbs"),
);

/** Every helper, partial and path of a template. */
class Names extends Handlebars.Visitor {
  readonly helpers = new Set<string>();
  readonly others = new Set<string>();
  readonly parts = new Set<string>();
  override PathExpression(path: hbs.AST.PathExpression): void {
    for (const part of path.parts) this.parts.add(part);
  }
  override BlockStatement(block: hbs.AST.BlockStatement): void {
    this.helpers.add(block.path.original as string);
    super.BlockStatement(block);
  }
  override MustacheStatement(mustache: hbs.AST.MustacheStatement): void {
    if (mustache.params.length > 0) this.helpers.add((mustache.path as hbs.AST.PathExpression).original);
    super.MustacheStatement(mustache);
  }
  override PartialStatement(): void {
    this.others.add("partial");
  }
  override DecoratorBlock(): void {
    this.others.add("decorator");
  }
  override Decorator(): void {
    this.others.add("decorator");
  }
}

describe("every template", () => {
  it("is there", () => {
    expect(templates.length).toBeGreaterThan(20);
    expect(Object.keys(templateSpecs)).toHaveLength(templates.length);
  });

  it.each(templates)("%s uses loops, conditions and own fields", (name) => {
    const names = new Names();
    names.accept(Handlebars.parse(readFileSync(join(folder, name), "utf8")));
    expect([...names.others]).toEqual([]);
    for (const helper of names.helpers) expect(["each", "if", "unless", "pad", "padStart"]).toContain(helper);
    for (const part of names.parts) expect(part in Object.prototype, `{{${part}}}`).toBe(false);
  });
});

describe("a plan", () => {
  /** The text, or that there is none. */
  const textOf = (plan: object): string => {
    try {
      return renderTemplate("c/loop", plan);
    } catch (error) {
      return (error as Error).message;
    }
  };

  it("gives its own fields, and none of its prototype's", () => {
    const fields = { variable: "inherited", count: "inherited", body: () => "inherited" };
    expect(textOf({ variable: "i", count: 3, body: "x" })).toContain("i < 3");
    expect(textOf(Object.create(fields) as object)).not.toContain("inherited");
    expect(textOf({ ...fields, body: undefined })).toContain("inherited");
    expect(textOf({ count: 1, body: "x" })).toMatch(/"variable" not defined/);
  });

  it("goes to a template that is there, by no name that objects have", () => {
    for (const odd of ["constructor", "__proto__", "toString"]) {
      expect(() => renderTemplate(odd, {})).toThrow(`no template ${odd}`);
      expect(() => fixedFile(odd)).toThrow();
    }
  });
});
