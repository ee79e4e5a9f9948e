// A user's text inside a comment of generated code. In: any text. Out: words that cannot end a comment or a string in
// Verilog, C or a memory image, nor be taken for code.

/**
 * Letters, digits, blanks and `_ . , + = -` on one line; anything else, and every run of dots, becomes `_`. Longer texts
 * are cut to `length` characters.
 */
export function commentText(text: string, length = 60): string {
  const plain = text.replace(/[^A-Za-z0-9 _.,+=-]+/g, "_").replace(/\.{2,}/g, "_");
  return plain.length <= length ? plain : `${plain.slice(0, length - 3)}...`;
}
