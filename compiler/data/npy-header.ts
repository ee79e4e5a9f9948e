// The header of an NPY file is a Python dictionary written as text. In: that text. Out: its three fields, checked.
// Only what NumPy writes is read: strings, True and False, whole numbers, one tuple.

export interface NpyHeader {
  /** Type as NumPy writes it, such as "<f4"; "structured" for a record type. */
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

type Token = { readonly kind: "string" | "word" | "number" | "mark"; readonly text: string };

const TOKEN = /\s*(?:'([^'\\\n]*)'|"([^"\\\n]*)"|([A-Za-z_]+)|(\d+)L?|([{}()[\]:,-]))/y;

function tokenize(text: string): readonly Token[] | string {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const end = text.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) return `unexpected ${JSON.stringify(text.slice(at, at + 12).trim())} in the header`;
    const [, single, double, word, number, mark] = match;
    const quoted = single ?? double;
    if (quoted !== undefined) tokens.push({ kind: "string", text: quoted });
    else if (word !== undefined) tokens.push({ kind: "word", text: word });
    else if (number !== undefined) tokens.push({ kind: "number", text: number });
    else tokens.push({ kind: "mark", text: mark! });
  }
  return tokens;
}

/** Fields of the header, or what is wrong with it. */
export function parseNpyHeader(text: string): NpyHeader | string {
  const tokens = tokenize(text);
  if (typeof tokens === "string") return tokens;
  let at = 0;
  const take = (mark: string): boolean => {
    if (tokens[at]?.kind !== "mark" || tokens[at]!.text !== mark) return false;
    at++;
    return true;
  };
  let descr: string | undefined;
  let fortranOrder: boolean | undefined;
  let shape: number[] | undefined;

  const readShape = (): string | undefined => {
    if (!take("(")) return "shape is no tuple";
    shape = [];
    while (!take(")")) {
      const token = tokens[at++];
      if (token?.kind !== "number") return "shape holds something that is no whole number";
      shape.push(Number(token.text));
      if (!take(",") && tokens[at]?.text !== ")") return "shape is no tuple";
    }
    return undefined;
  };
  const readField = (key: string): string | undefined => {
    const token = tokens[at];
    switch (key) {
      case "descr":
        if (token?.kind === "mark" && token.text === "[") {
          // A record type: a list of fields, which no input of ours has. Skip it, so that the message names the type.
          let depth = 0;
          do {
            const mark = tokens[at]?.text;
            if (mark === undefined) return "the list of descr has no end";
            if (mark === "[") depth++;
            if (mark === "]") depth--;
            at++;
          } while (depth > 0);
          descr = "structured";
          return undefined;
        }
        if (token?.kind !== "string") return "descr is no text";
        at++;
        descr = token.text;
        return undefined;
      case "fortran_order":
        if (token?.text !== "True" && token?.text !== "False")
          return "fortran_order is neither True nor False";
        at++;
        fortranOrder = token.text === "True";
        return undefined;
      case "shape":
        return readShape();
      default:
        return `unknown field ${JSON.stringify(key)}`;
    }
  };

  if (!take("{")) return "the header is no dictionary";
  while (!take("}")) {
    const key = tokens[at++];
    if (key?.kind !== "string" || !take(":")) return "the header is no dictionary";
    const problem = readField(key.text);
    if (problem !== undefined) return problem;
    if (!take(",") && tokens[at]?.text !== "}") return "the header is no dictionary";
  }
  if (at !== tokens.length) return "text follows the header's dictionary";
  if (descr === undefined || fortranOrder === undefined || shape === undefined)
    return "descr, fortran_order or shape is missing";
  return { descr, fortranOrder, shape };
}
