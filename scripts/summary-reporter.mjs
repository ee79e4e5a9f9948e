// A vitest reporter for logs: each file as it ends, what failed, the ten slowest tests, and one closing line.
import { relative } from "node:path";

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

// A suite fails by its hooks; its tests are then only skipped.
const suiteErrors = (module) => [
  ...module.errors(),
  ...[...module.children.allSuites()].flatMap((suite) => suite.errors()),
];

// Vitest takes a reporter file by its default export.
export default class SummaryReporter {
  onTestModuleEnd(module) {
    const tests = [...module.children.allTests()];
    const failed = tests.filter((t) => t.result().state === "failed");
    const skipped = tests.filter((t) => t.result().state === "skipped");
    const name = relative(process.cwd(), module.moduleId);
    const notes = [
      ...(failed.length > 0 ? [`${failed.length} failed`] : []),
      ...(skipped.length > 0 ? [`${skipped.length} skipped`] : []),
    ];
    const errors = suiteErrors(module);
    const mark = failed.length > 0 || errors.length > 0 ? "FAIL" : "ok";
    console.log(
      `${mark.padEnd(5)}${name}: ${tests.length} tests${notes.length > 0 ? `, ${notes.join(", ")}` : ""}, ${seconds(module.diagnostic().duration)}`,
    );
    for (const test of failed)
      for (const error of test.result().errors)
        console.log(`  ${test.fullName}\n${error.stack ?? error.message}`);
    for (const error of errors) console.log(error.stack ?? error.message);
  }

  onTestRunEnd(modules, unhandled) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state) => tests.filter((t) => t.result().state === state).length;
    const broken = modules.flatMap(suiteErrors).length + unhandled.length;
    for (const error of unhandled) console.log(error.stack ?? error.message);
    const slowest = tests
      .map((t) => ({ name: t.fullName, ms: t.diagnostic()?.duration ?? 0 }))
      .sort((a, b) => b.ms - a.ms)
      .slice(0, 10);
    console.log("slowest:");
    for (const { name, ms } of slowest) console.log(`  ${seconds(ms).padStart(8)}  ${name}`);
    const skipped = count("skipped");
    console.log(
      `${count("passed")} passed, ${count("failed") + broken} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`,
    );
  }
}
