// Where a JSON text goes wrong. JavaScript engines say it in words that differ, some without a position. In: a text
// that the engine has refused. Out: the offset of the first character that no JSON text could have there.

const BLANKS = /[ \t\n\r]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)\b/y;

/** Offset after the string that starts at `start`, -1 when it is none. A loop: strings may be longer than a regular expression's stack. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; ) {
    const char = text[at]!;
    if (char === '"') return at + 1;
    if (char < " ") return -1;
    if (char === "\\") {
      ESCAPE.lastIndex = at;
      if (!ESCAPE.test(text)) return -1;
      at = ESCAPE.lastIndex;
    } else at++;
  }
  return -1;
}

/** What may come next; "first" also allows the end of an empty array or object. */
type Expected = "value" | "first-value" | "key" | "first-key" | "colon" | "after-value";

/** Offset of the first error; the length of the text when it only ends too early, or has no error. */
export function findJsonError(text: string): number {
  const open: string[] = [];
  let expected: Expected = "value";
  let at = 0;
  const scalarEnd = (): number => {
    if (text[at] === '"') return stringEnd(text, at);
    SCALAR.lastIndex = at;
    return SCALAR.test(text) ? SCALAR.lastIndex : -1;
  };
  for (;;) {
    BLANKS.lastIndex = at;
    BLANKS.test(text);
    at = BLANKS.lastIndex;
    const char = text[at];
    if (char === undefined || (expected === "after-value" && open.length === 0)) return at;
    const closing = open.at(-1) === "{" ? "}" : "]";
    const mayClose = expected === "first-value" || expected === "first-key" || expected === "after-value";
    if (mayClose && char === closing) {
      open.pop();
      expected = "after-value";
      at++;
    } else if (expected === "after-value") {
      if (char !== ",") return at;
      expected = closing === "}" ? "key" : "value";
      at++;
    } else if (expected === "colon") {
      if (char !== ":") return at;
      expected = "value";
      at++;
    } else if (expected === "key" || expected === "first-key") {
      const end = char === '"' ? scalarEnd() : -1;
      if (end < 0) return at;
      expected = "colon";
      at = end;
    } else if (char === "[" || char === "{") {
      open.push(char);
      expected = char === "[" ? "first-value" : "first-key";
      at++;
    } else {
      const end = scalarEnd();
      if (end < 0) return at;
      expected = "after-value";
      at = end;
    }
  }
}
