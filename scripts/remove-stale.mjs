// Removes from dist/ what the compiler made of sources that are gone, so that the package holds only what its sources
// make. Whatever has a source stays in place: programs that run from dist/ are not disturbed. dist/vendor/ is not tsc's.
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
/** Files that tsc writes for one source. */
const MADE = /\.(d\.ts|js)(\.map)?$/;

/** Removes stale files below a folder. True when nothing is left in it. */
function clean(folder) {
  let left = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const place = relative(dist, path).split(sep).join("/");
    if (place === "vendor") left++;
    else if (entry.isDirectory()) {
      if (clean(path)) rmSync(path, { recursive: true, force: true });
      else left++;
    } else if (
      MADE.test(place) &&
      !place.startsWith("tests/") &&
      existsSync(join(root, "compiler", place.replace(MADE, ".ts")))
    )
      left++;
    else rmSync(path, { force: true });
  }
  return left === 0;
}

if (existsSync(dist)) clean(dist);
