// Loops as text. In: loops from the outermost inwards and the statements within. Out: C statements, indented.
import { renderTemplate } from "../render/render.ts";

export interface Loop {
  readonly variable: string;
  /** Runs from 0 to count - 1. */
  readonly count: number;
}

/** The statements within nested loops; loops that run once are left out: `index` gives what stands for their variable. */
export function nest(loops: readonly Loop[], body: string): string {
  return realLoops(loops).reduceRight(
    (inner, loop) => renderTemplate("c/loop", { ...loop, body: indent(inner) }).trimEnd(),
    body.trimEnd(),
  );
}

/** Loops that run more than once. */
export function realLoops(loops: readonly Loop[]): readonly Loop[] {
  return loops.filter(({ count }) => count > 1);
}

/** offset + sum of variable * stride, as text; a loop that runs once adds nothing. */
export function index(
  terms: readonly { readonly loop: Loop; readonly stride: number }[],
  offset = 0,
): string {
  const products = terms
    .filter(({ loop, stride }) => loop.count > 1 && stride !== 0)
    .map(({ loop, stride }) => (stride === 1 ? loop.variable : `${loop.variable} * ${stride}`));
  if (products.length === 0) return `${offset}`;
  const sum = products.join(" + ");
  if (offset === 0) return sum;
  return offset < 0 ? `${sum} - ${-offset}` : `${sum} + ${offset}`;
}

/** A function's body: declarations, an empty line, statements. */
export function functionBody(declarations: readonly string[], statements: string): string {
  const text = statements.trimEnd();
  return indent(declarations.length === 0 ? text : `${declarations.join("\n")}\n\n${text}`);
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => (line === "" ? "" : `    ${line}`))
    .join("\n");
}
