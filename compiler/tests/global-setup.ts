// Before any test: the generated sources are those of the templates in this tree.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export function setup(): void {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  execFileSync(process.execPath, ["scripts/embed-templates.mjs"], { cwd: root, stdio: "inherit" });
}
