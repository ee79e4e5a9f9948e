// Child processes of the tool runners. In: a command, its folder and standard input. Out: exit code and output.
// Every child leads a process group of its own that is killed when we exit, are interrupted, or time is up.
import { execa } from "execa";

export interface ProcessOptions {
  readonly cwd?: string;
  /** Written to standard input, which then stays open until the child ends: a child that sees it close was left alone. */
  readonly input?: Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** Kill the group after this time. */
  readonly timeoutSeconds?: number;
}

export interface ProcessResult {
  /** The command exists and could be started. */
  readonly started: boolean;
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly timedOut: boolean;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

const groups = new Set<number>();
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group is gone already.
  }
}

/** Ends every process that runs, at once. */
export function killAll(): void {
  for (const pid of groups) killGroup(pid);
}

function onSignal(signal: NodeJS.Signals): void {
  killAll();
  // Without another listener the signal would have ended us: let it.
  if (process.listenerCount(signal) === 1) {
    process.removeListener(signal, onSignal);
    process.kill(process.pid, signal);
  }
}

function watch(pid: number): void {
  if (groups.size === 0) {
    process.on("exit", killAll);
    for (const signal of SIGNALS) process.on(signal, onSignal);
  }
  groups.add(pid);
}

function unwatch(pid: number): void {
  groups.delete(pid);
  if (groups.size > 0) return;
  process.removeListener("exit", killAll);
  for (const signal of SIGNALS) process.removeListener(signal, onSignal);
}

/** How often, and after how many milliseconds, a program that is still open for writing is started again. */
const BUSY_TRIES = 50;
const BUSY_MILLISECONDS = 20;

/**
 * Runs a command to its end. Never throws for what the command does: the result says it. A program that was written a
 * moment ago may still be open in a child that another call is about to start; it is tried again until it is not.
 */
export async function runProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<ProcessResult> {
  for (let attempt = 1; ; attempt++) {
    const { busy, ...result } = await runOnce(command, args, options);
    if (!busy || attempt === BUSY_TRIES) return result;
    await new Promise((resolve) => setTimeout(resolve, BUSY_MILLISECONDS));
  }
}

async function runOnce(
  command: string,
  args: readonly string[],
  options: ProcessOptions,
): Promise<ProcessResult & { readonly busy: boolean }> {
  const child = execa(command, [...args], {
    ...(options.cwd !== undefined ? { cwd: options.cwd } : {}),
    ...(options.env ? { env: { ...options.env } } : {}),
    detached: true,
    cleanup: false,
    reject: false,
    encoding: "buffer",
    stripFinalNewline: false,
    stdin: options.input ? "pipe" : "ignore",
    maxBuffer: 2 ** 31,
  });
  const pid = child.pid;
  if (pid !== undefined) watch(pid);
  if (options.input && child.stdin) {
    // A child that ends early closes the pipe; its exit code tells why.
    child.stdin.on("error", () => {});
    child.stdin.write(options.input);
  }
  let timedOut = false;
  const timer =
    options.timeoutSeconds === undefined || pid === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          killGroup(pid);
        }, options.timeoutSeconds * 1000);
  try {
    const result = await child;
    return {
      busy: pid === undefined && result.code === "ETXTBSY",
      started: pid !== undefined,
      exitCode: result.exitCode,
      signal: result.signal,
      timedOut,
      stdout: result.stdout ?? new Uint8Array(),
      stderr: new TextDecoder().decode(result.stderr ?? new Uint8Array()),
    };
  } finally {
    clearTimeout(timer);
    if (pid !== undefined) {
      // Grandchildren (a compiler's passes) must not outlive their leader.
      killGroup(pid);
      unwatch(pid);
    }
  }
}
