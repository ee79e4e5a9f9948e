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

// What no template uses, and what would look up a name that a plan says.
for (const unused of ["lookup", "log", "with"]) engine.unregisterHelper(unused);

/** A plan's own fields are all that a template reaches, whatever the user's names in it are. */
const OWN_FIELDS_ONLY: RuntimeOptions = {
  allowProtoMethodsByDefault: false,
  allowProtoPropertiesByDefault: false,
};

type Template = (plan: unknown, options: RuntimeOptions) => string;

const compiled = new Map<string, Template>();

/** Renders `templates/<name>.hbs`; code templates are never HTML-escaped. */
export function renderTemplate(name: string, plan: object): string {
  let template = compiled.get(name);
  if (!template) {
    compilerAssert(Object.hasOwn(templateSpecs, name), `no template ${name}`);
    const spec = templateSpecs[name];
    template = engine.template(spec as TemplateSpecification) as Template;
    compiled.set(name, template);
  }
  return template(plan, OWN_FIELDS_ONLY);
}

/** A fixed hand-written file under templates/, such as `verilog/lib/nf_fifo.v`. */
export function fixedFile(path: string): string {
  const text = Object.hasOwn(fixedFiles, path) ? fixedFiles[path] : undefined;
  compilerAssert(text !== undefined, `no fixed file ${path}`);
  return text;
}

/** Names of all fixed files under a folder of templates/, sorted. */
export function fixedFilesUnder(folder: string): readonly string[] {
  return Object.keys(fixedFiles)
    .filter((path) => path.startsWith(`${folder}/`))
    .sort();
}
