// Before any test: the generated sources are those of the templates in this tree, and dist/, which the tests of the
// command line run, is not older than the sources.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

function newestSource(): number {
  const times = ["package.json", "tsconfig.json"].map((name) => statSync(join(root, name)).mtimeMs);
  for (const folder of ["compiler", "templates"])
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || path.startsWith(join(root, "compiler/tests")) || path.includes(".generated."))
        continue;
      times.push(statSync(path).mtimeMs);
    }
  return Math.max(...times);
}

export function setup(): void {
  const run = (command: string, ...arguments_: string[]): void => {
    execFileSync(command, arguments_, { cwd: root, stdio: "inherit" });
  };
  run(process.execPath, "scripts/embed-templates.mjs");
  const main = join(root, "dist/cli/main.js");
  if (existsSync(main) && statSync(main).mtimeMs >= newestSource()) return;
  try {
    run("npm", "run", "--silent", "build");
  } catch (error) {
    // While sources are being edited, tests that do not need dist/ can still say something.
    if (process.env.CI || !existsSync(main)) throw error;
    console.warn("npm run build failed: the tests of the command line run an old dist/");
    return;
  }
  const now = new Date();
  utimesSync(main, now, now);
}
