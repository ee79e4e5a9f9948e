// Whether an external tool that a test needs is installed. In CI a missing tool is a failure, never a silent skip.
import { execFileSync } from "node:child_process";

/** True when `name --version` runs; throws in CI when it does not. */
export function hasTool(name: string): boolean {
  try {
    execFileSync(name, [name === "iverilog" ? "-V" : "--version"], { stdio: "ignore" });
    return true;
  } catch {
    if (process.env.CI) throw new Error(`${name} is not installed, and CI runs every test`);
    console.warn(`${name} is not installed: its tests are skipped`);
    return false;
  }
}
