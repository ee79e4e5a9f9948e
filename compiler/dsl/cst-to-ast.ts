// Concrete syntax tree -> syntax tree. In: what the parser read, with holes where it had to repair. Out: typed
// nodes; names and texts are decoded here, and reserved words in place of names are reported.
import { type CstElement, type CstNode, type IToken, tokenMatcher } from "chevrotain";
import type { DiagnosticCollector } from "../support/diagnostics.ts";
import type { SourceFile, Span } from "../support/source-file.ts";
import type * as ast from "./ast.ts";
import { tokenSpan } from "./parse-errors.ts";
import * as t from "./tokens.ts";

interface Reader {
  readonly file: SourceFile;
  readonly collector: DiagnosticCollector;
}

const isToken = (element: CstElement): element is IToken => "tokenType" in element;

/** The first token of a kind in a rule; undefined when it is missing or was only inserted by the parser's repair. */
function token(node: CstNode | undefined, kind: string): IToken | undefined {
  const found = node?.children[kind]?.[0];
  return found && isToken(found) && !Number.isNaN(found.startOffset) ? found : undefined;
}

/** Every part of a kind that has at least one token, in the order of the text. */
function nodes(node: CstNode | undefined, ...kinds: readonly string[]): CstNode[] {
  return kinds
    .flatMap((kind) => node?.children[kind] ?? [])
    .filter((e): e is CstNode => !isToken(e) && !Number.isNaN(e.location?.startOffset ?? Number.NaN))
    .sort((a, b) => a.location!.startOffset - b.location!.startOffset);
}

function node(parent: CstNode | undefined, kind: string): CstNode | undefined {
  return nodes(parent, kind)[0];
}

function spanOf(r: Reader, part: CstNode): Span {
  const { startOffset, endOffset } = part.location!;
  return { file: r.file, start: startOffset, end: (endOffset ?? startOffset) + 1 };
}

const ESCAPES: Readonly<Record<string, string>> = { '"': '"', "\\": "\\", n: "\n", t: "\t", r: "\r" };

/** What a text's token stands for; escapes that are none are reported by `bad`, and stand for themselves. */
export function decodeText(text: IToken, bad?: (written: string, at: number) => void): string {
  const closed = text.tokenType !== t.UnclosedText;
  const content = text.image.slice(1, closed ? -1 : undefined);
  if (text.tokenType === t.SingleQuotedText) return content;
  return content.replace(/\\(u[0-9a-fA-F]{4}|.)/gu, (written, code: string, at: number) => {
    if (code.length === 5) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    const meant = ESCAPES[code];
    if (meant !== undefined) return meant;
    bad?.(written, text.startOffset + 1 + at);
    return code;
  });
}

function readText(r: Reader, text: IToken): string {
  return decodeText(text, (written, start) => {
    const span = { file: r.file, start, end: start + written.length };
    r.collector.add("language/bad-escape", { written }, { span });
  });
}

/** A name, quoted or not. */
function readName(r: Reader, name: IToken | undefined): ast.NameNode | undefined {
  if (!name) return undefined;
  const span = tokenSpan(r.file, name);
  if (tokenMatcher(name, t.Keyword))
    r.collector.add("language/keyword-as-name", { word: name.image }, { span });
  if (!tokenMatcher(name, t.Text)) return { text: name.image, span };
  const text = readText(r, name);
  if (text === "") r.collector.add("language/empty-name", {}, { span });
  return { text, span };
}

/** A key, an operation or a section: a word that may be reserved. */
function readWord(r: Reader, word: IToken | undefined): ast.NameNode | undefined {
  return word && { text: word.image, span: tokenSpan(r.file, word) };
}

const toNumber = (digits: string): number => Number(digits.replaceAll("_", ""));

function readQuantity(r: Reader, quantity: IToken): ast.QuantityNode {
  const [, number, unit] = /^(-?[\d_]+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(.*)$/.exec(quantity.image)!;
  const span = tokenSpan(r.file, quantity);
  return { kind: "quantity", number: toNumber(number!), ...(unit ? { unit } : {}), span };
}

function readRange(r: Reader, range: IToken): ast.RangeNode {
  const [, low, high, unit] = /^([\d_]+)\.\.([\d_]+)\s*(.*)$/.exec(range.image)!;
  const ends = { low: toNumber(low!), high: toNumber(high!) };
  return { kind: "range", ...ends, ...(unit ? { unit } : {}), span: tokenSpan(r.file, range) };
}

function readShape(r: Reader, shape: IToken): ast.ShapeNode {
  return { kind: "shape", sizes: shape.image.split("x").map(toNumber), span: tokenSpan(r.file, shape) };
}

function readValue(r: Reader, value: CstNode | undefined): ast.ValueNode | undefined {
  if (!value) return undefined;
  const quantity = token(value, "Quantity");
  if (quantity) return readQuantity(r, quantity);
  const range = token(value, "Range");
  if (range) return readRange(r, range);
  const size = token(value, "Size");
  if (size) return size.tokenType === t.Shape ? readShape(r, size) : readQuantity(r, size);
  const text = token(value, "Text");
  if (text) return { kind: "text", text: readText(r, text), span: tokenSpan(r.file, text) };
  const call = node(value, "call");
  const name = readWord(r, token(call, "ValueWord"));
  if (call && name) {
    const args = readArguments(r, node(call, "args"));
    return { kind: "call", name, ...(args ? { args } : {}), span: spanOf(r, call) };
  }
  const block = node(value, "block");
  if (block) return { kind: "block", settings: readBlock(r, block), span: spanOf(r, block) };
  const list = node(value, "list");
  if (!list) return undefined;
  const items = nodes(list, "value").map((item) => readValue(r, item));
  return { kind: "list", items: items.filter((item) => item !== undefined), span: spanOf(r, list) };
}

function readArguments(r: Reader, args: CstNode | undefined): ast.ArgumentNode[] | undefined {
  if (!args) return undefined;
  return nodes(args, "argument").map((argument) => {
    const key = readWord(r, token(argument, "Word"));
    const value = readValue(r, node(argument, "value"));
    return { ...(key ? { key } : {}), ...(value ? { value } : {}), span: spanOf(r, argument) };
  });
}

function readBlock(r: Reader, block: CstNode): ast.SettingNode[] {
  return nodes(block, "named").flatMap((named) => {
    const key = readName(r, token(named, "AnyName"));
    const value = readValue(r, node(named, "value"));
    return key ? [{ key, ...(value ? { value } : {}), span: spanOf(r, named) }] : [];
  });
}

function readSettings(r: Reader, options: CstNode | undefined): ast.SettingNode[] {
  const settings: ast.SettingNode[] = [];
  for (const setting of nodes(options, "setting")) {
    const key = readWord(r, token(setting, "Word"));
    const value = readValue(r, node(setting, "value"));
    // A word alone is what the parser left over from a broken value.
    if (!value && !token(setting, "Colon")) continue;
    if (key) settings.push({ key, ...(value ? { value } : {}), span: spanOf(r, setting) });
  }
  return settings;
}

/** True when no part below was repaired by the parser. */
function isComplete(part: CstNode): boolean {
  if (part.recoveredNode) return false;
  return Object.values(part.children).every((elements) =>
    elements.every((e) => (isToken(e) ? !Number.isNaN(e.startOffset) : isComplete(e))),
  );
}

function readStage(r: Reader, stage: CstNode): ast.StageNode {
  const label = readName(r, token(node(stage, "label"), "AnyName"));
  const operation = readWord(r, token(stage, "Name"));
  const args = readArguments(r, node(stage, "args"));
  return {
    ...(label ? { label } : {}),
    ...(operation ? { operation } : {}),
    ...(args ? { args } : {}),
    options: readSettings(r, node(stage, "options")),
    complete: isComplete(stage),
    span: spanOf(r, stage),
  };
}

function readSource(r: Reader, source: CstNode | undefined): ast.ChainNode["source"] {
  const join = node(source, "join");
  if (join) return readJoin(r, join);
  const name = readName(r, token(source, "ValueName"));
  return name && { kind: "name", ...name };
}

function readJoin(r: Reader, join: CstNode): ast.JoinNode {
  const label = readName(r, token(node(join, "label"), "AnyName"));
  const operation = readWord(r, token(join, "Name"));
  const operands: ast.ChainNode[] = [];
  const args: ast.ArgumentNode[] = [];
  for (const operand of nodes(join, "operand")) {
    const chain = readChain(r, node(operand, "chain"));
    if (chain) {
      operands.push(chain);
      continue;
    }
    const key = readWord(r, token(operand, "Word"));
    const value = readValue(r, node(operand, "value"));
    if (key) args.push({ key, ...(value ? { value } : {}), span: spanOf(r, operand) });
  }
  return {
    kind: "join",
    ...(label ? { label } : {}),
    ...(operation ? { operation } : {}),
    operands,
    args,
    options: readSettings(r, node(join, "options")),
    complete: isComplete(join),
    span: spanOf(r, join),
  };
}

function readChain(r: Reader, chain: CstNode | undefined): ast.ChainNode | undefined {
  if (!chain) return undefined;
  const source = readSource(r, node(chain, "source"));
  return {
    ...(source ? { source } : {}),
    stages: nodes(chain, "stage").map((stage) => readStage(r, stage)),
    complete: isComplete(chain),
  };
}

function readInput(r: Reader, item: CstNode): ast.InputItem {
  const name = readName(r, token(item, "AnyName"));
  const size = token(item, "Size");
  const type = readWord(r, token(item, "Name"));
  return {
    kind: "input",
    ...(name ? { name } : {}),
    ...(size ? { shape: readShape(r, size) } : {}),
    ...(type ? { type } : {}),
    options: readSettings(r, node(item, "options")),
    span: spanOf(r, item),
  };
}

function readLayer(r: Reader, item: CstNode): ast.LayerItem {
  const name = readName(r, token(item, "ValueName"));
  const options = readSettings(r, node(item, "options"));
  return { kind: "layer", ...(name ? { name } : {}), options, span: spanOf(r, item) };
}

function readModelItem(r: Reader, item: CstNode): ast.ModelItem {
  if (item.name === "inputItem" || item.name === "importedInput") return readInput(r, item);
  if (item.name === "importedLayer") return readLayer(r, item);
  const name = readName(r, token(item, "AnyName") ?? token(item, "ValueName"));
  const chain = readChain(r, node(item, "chain"));
  return {
    kind: item.name === "outputItem" ? "output" : "binding",
    ...(name ? { name } : {}),
    ...(chain ? { chain } : {}),
    span: spanOf(r, item),
  };
}

function readModel(r: Reader, model: CstNode): ast.ModelNode {
  const name = readName(r, token(model, "AnyName"));
  const from = token(model, "Text");
  const items = nodes(model, "importedInput", "importedLayer", "inputItem", "binding", "outputItem");
  return {
    ...(name ? { name } : {}),
    ...(from ? { from: { text: readText(r, from), span: tokenSpan(r.file, from) } } : {}),
    items: items.map((item) => readModelItem(r, item)),
    span: tokenSpan(r.file, token(model, "Model")!),
  };
}

/** Reads the tree of one file; adds what is wrong with single names and texts to the collector. */
export function readFile(file: SourceFile, cst: CstNode, collector: DiagnosticCollector): ast.FileNode {
  const r: Reader = { file, collector };
  const version = token(cst, "Number");
  const sections = nodes(cst, "section").flatMap((section) => {
    const name = readWord(r, token(section, "SectionWord"));
    return name ? [{ name, settings: readSettings(r, node(section, "options")) }] : [];
  });
  const end = file.text.trimEnd().length;
  return {
    ...(version ? { version: readQuantity(r, version) } : {}),
    models: nodes(cst, "model", "importedModel")
      .filter((model) => token(model, "Model"))
      .map((model) => readModel(r, model)),
    sections,
    end: { file, start: end, end },
  };
}
