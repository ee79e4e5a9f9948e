// Strict rendering of the precompiled templates. In: a template's name and a finished plan. Out: text.
import Handlebars from "handlebars/runtime.js";
import { compilerAssert } from "../support/assert.ts";
import { fixedFiles, templateSpecs } from "./embedded.generated.ts";

// The runtime's own typings leave out its default export's members; they are those of the full package.
const engine = (Handlebars as unknown as typeof import("handlebars")).create();

/** `{{#each}}` and `{{#if}}` of Handlebars ignore what is missing; a plan with a hole is our bug. */
const stockEach = engine.helpers.each as (...args: unknown[]) => unknown;
const stockIf = engine.helpers.if as (...args: unknown[]) => unknown;
function strictly(name: string, stock: (...args: unknown[]) => unknown) {
  return function (this: unknown, subject: unknown, ...rest: unknown[]): unknown {
    compilerAssert(subject !== undefined, `template: {{#${name}}} of something undefined`);
    return stock.call(this, subject, ...rest);
  };
}
engine.registerHelper("each", strictly("each", stockEach));
engine.registerHelper("if", strictly("if", stockIf));
/** Pads on the right, for aligned columns. */
engine.registerHelper("pad", (text: unknown, width: number) => `${text}`.padEnd(width));
/** Pads on the left. */
engine.registerHelper("padStart", (text: unknown, width: number) => `${text}`.padStart(width));

const compiled = new Map<string, (plan: unknown) => string>();

/** Renders `templates/<name>.hbs`; code templates are never HTML-escaped. */
export function renderTemplate(name: string, plan: object): string {
  let template = compiled.get(name);
  if (!template) {
    const spec = templateSpecs[name];
    compilerAssert(spec, `no template ${name}`);
    template = engine.template(spec as TemplateSpecification) as (plan: unknown) => string;
    compiled.set(name, template);
  }
  return template(plan);
}

/** A fixed hand-written file under templates/, such as `verilog/lib/nf_fifo.v`. */
export function fixedFile(path: string): string {
  const text = fixedFiles[path];
  compilerAssert(text !== undefined, `no fixed file ${path}`);
  return text;
}

/** Names of all fixed files under a folder of templates/, sorted. */
export function fixedFilesUnder(folder: string): readonly string[] {
  return Object.keys(fixedFiles)
    .filter((path) => path.startsWith(`${folder}/`))
    .sort();
}
