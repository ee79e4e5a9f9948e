// Fuzzes the compiler with random programs, see rtl-tests/README.md. In: variables, `make fuzz PROGRAMS=1000 SEED=2`, also
// PROCESSES, BENCH, GATE, NETLIST, SUMMARY. Out: a summary; files in rtl-tests/regressions for what fails, status 1.
// Its parts are TypeScript beside the tests, which Vite reads as it does for them; with --worker this is one of its processes.
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { createServer, createServerModuleRunner } from "vite";

const self = fileURLToPath(import.meta.url);
const root = fileURLToPath(new URL("..", import.meta.url));
const part = argv.includes("--worker") ? "worker" : "run";
// It stays open: some modules are loaded when they are needed.
const server = await createServer({
  configFile: false,
  root,
  appType: "custom",
  logLevel: "error",
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
});
const runner = createServerModuleRunner(server.environments.ssr, { hmr: false });
const { main } = await runner.import(`${root}rtl-tests/fuzz/${part}.ts`);
await main(self);
