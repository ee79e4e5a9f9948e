// The command that goes on after an interrupted training.

/** What to type to resume: the same command line without what would start again. */
export function resumeCommand(): string {
  const quote = (a: string): string => (/^[\w@%+=:,./-]+$/.test(a) ? a : `'${a.replaceAll("'", "'\\''")}'`);
  const words = process.argv.slice(2).filter((a) => a !== "--fresh");
  return `noisefloor ${words.map(quote).join(" ")}`;
}

/** The same as a sentence. */
export function resumeHint(): string {
  return `stopped; the last checkpoint is kept. To go on: ${resumeCommand()}`;
}
