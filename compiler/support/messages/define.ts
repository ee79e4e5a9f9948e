// The shape of a registry entry.

/** One entry: `severity` defaults to "error", `category` to "input". */
export interface MessageEntry<P> {
  readonly severity?: "error" | "warning" | "note";
  readonly category?: "input" | "usage" | "environment";
  readonly message: (parameters: P) => string;
  readonly hint?: (parameters: P) => string;
}

/** Gives an entry its parameter type: `entry<{ name: string }>({ message: ({ name }) => ... })`. */
export function entry<P = Record<string, never>>(definition: MessageEntry<P>): MessageEntry<P> {
  return definition;
}
