// Diagnostics of the language (lexer, parser, checker).
import { entry } from "./define.ts";

export const languageMessages = {
  // sorted by code
  "language/unexpected-character": entry<{ text: string }>({
    message: ({ text }) => `unexpected ${JSON.stringify(text)}`,
    hint: () => "remove it, or put text between double quotes",
  }),
};
