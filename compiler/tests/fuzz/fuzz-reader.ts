// What the fuzzer knows of a reader: inputs that it takes, ways to spoil them, and how it is called.
import type { RandomStream } from "../../support/random.ts";

export interface FuzzReader {
  readonly name: string;
  /** Inputs of a thousand that are this reader's. */
  readonly share: number;
  /** Inputs that are taken, and how each kind of spoiled ones is made of them. Called once: the work is in the first call. */
  prepare(): {
    readonly sound: readonly Uint8Array[];
    readonly kinds: readonly ((random: RandomStream) => Uint8Array)[];
  };
  /**
   * Reads an input as a user's file. A DiagnosticError refuses it; anything else that is thrown, or that takes too long or
   * too much memory, is a finding. Rules that whatever was read has to keep are checked here.
   */
  read(bytes: Uint8Array): void;
}

/** One of a list. */
export function pick<T>(random: RandomStream, list: readonly T[]): T {
  return list[random.integer(0, list.length - 1)]!;
}

/** Work that is done when it is first asked for. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Throws what a reader broke, as a finding. */
export function holds(isSo: boolean, what: () => string): void {
  if (!isSo) throw new Error(what());
}
