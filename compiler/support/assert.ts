// Broken invariants: bugs in the compiler, never the user's mistakes.

/** A bug in noisefloor. The command line turns it into exit code 70 and asks for a report. */
export class InternalError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "InternalError";
  }
}

/** Throws an InternalError when a condition that must hold does not. */
export function compilerAssert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InternalError(message);
}

/** Marks a case that the types rule out. */
export function assertNever(value: never, where: string): never {
  throw new InternalError(`${where}: unexpected ${JSON.stringify(value)}`);
}
