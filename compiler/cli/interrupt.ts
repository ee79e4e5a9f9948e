// Ctrl-C and SIGTERM. Work that can stop at its next step asks to be told; anything else ends at once.
import { EXIT } from "./exit-codes.ts";

export interface Interrupt {
  /** True once the user asked to stop. */
  readonly stopped: boolean;
  /** Exit code that the signal asks for. */
  readonly exitCode: number;
  /** Runs work that polls `stopped`; outside of it a signal ends the process at once. */
  gracefully<T>(work: () => Promise<T>): Promise<T>;
  /** The command has said how it ended: a signal changes nothing of that any more. */
  end(): void;
}

export type StopSignal = "SIGINT" | "SIGTERM";

/** Installs the handlers. `say` tells the user that the signal was seen; `leave` runs before an immediate end. */
export function createInterrupt(
  say: (text: string) => void,
  leave: (signal: StopSignal, exitCode: number) => void,
): Interrupt {
  let graceful = 0;
  let stopped = false;
  let ended = false;
  let exitCode: number = EXIT.interrupted;
  const onSignal = (signal: StopSignal, code: number) => (): void => {
    // It came while the last work was done in one go, and is delivered after it.
    if (ended) process.exit();
    exitCode = code;
    if (graceful > 0 && !stopped) {
      stopped = true;
      say("stopping at the next step; once more leaves at once");
      return;
    }
    ended = true;
    leave(signal, code);
    process.exit(code);
  };
  process.on("SIGINT", onSignal("SIGINT", EXIT.interrupted));
  process.on("SIGTERM", onSignal("SIGTERM", EXIT.terminated));
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
    end() {
      ended = true;
    },
  };
}
