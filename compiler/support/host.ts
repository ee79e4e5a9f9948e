// What the pure steps need from outside: files to read, processes are the tool runners' own matter.

/** Reads of the user's files. Paths are as the user wrote them, resolved by the host. */
export interface FileReader {
  /** Content, or undefined when there is no such file. */
  read(path: string): Uint8Array | undefined;
  exists(path: string): boolean;
}

/** Progress of long work; the command line draws it, tests record it. */
export interface ProgressSink {
  /** A line for the log. */
  line(text: string): void;
  /** State of the running work: `fraction` in [0, 1], `text` short. */
  update(fraction: number, text: string): void;
}

/** Told at every step of long work; true once the user asked to stop. */
export interface StopSignal {
  readonly stopped: boolean;
}

/** Gives other events (signals, timers, a page's drawing) their turn. */
export type Yield = () => Promise<void>;
