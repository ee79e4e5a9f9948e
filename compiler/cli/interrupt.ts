// Ctrl-C and SIGTERM. Work that can stop at its next step asks to be told; anything else ends at once.
import { EXIT } from "./exit-codes.ts";

export interface Interrupt {
  /** True once the user asked to stop. */
  readonly stopped: boolean;
  /** Exit code that the signal asks for. */
  readonly exitCode: number;
  /** Runs work that polls `stopped`; outside of it a signal ends the process at once. */
  gracefully<T>(work: () => Promise<T>): Promise<T>;
}

/** Installs the handlers. `say` tells the user that the signal was seen; `leave` runs before an immediate end. */
export function createInterrupt(say: (text: string) => void, leave: () => void): Interrupt {
  let graceful = 0;
  let stopped = false;
  let exitCode: number = EXIT.interrupted;
  const onSignal = (code: number) => (): void => {
    exitCode = code;
    if (graceful > 0 && !stopped) {
      stopped = true;
      say("stopping at the next step; once more leaves at once");
      return;
    }
    leave();
    process.exit(code);
  };
  process.on("SIGINT", onSignal(EXIT.interrupted));
  process.on("SIGTERM", onSignal(EXIT.terminated));
  return {
    get stopped() {
      return stopped;
    },
    get exitCode() {
      return exitCode;
    },
    async gracefully(work) {
      graceful++;
      try {
        return await work();
      } finally {
        graceful--;
      }
    },
  };
}
