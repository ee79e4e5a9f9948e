// Who may import whom. The layer test reads this table and ARCHITECTURE.md is checked against it. A folder may
// import itself and the folders listed; type-only imports obey it too. Files directly under compiler/ stand for themselves.

export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  support: [],
  render: ["support"],
  graph: ["support"],
  program: ["support"],
  dsl: ["support", "graph"],
  data: ["support", "graph"],
  train: ["support", "graph"],
  lower: ["support", "graph", "program"],
  sim: ["support", "program"],
  schedule: ["support", "program"],
  verilog: ["support", "program", "schedule", "render"],
  c: ["support", "program", "render"],
  verify: ["support", "program", "sim", "render"],
  report: ["support", "render"],
  driver: [
    "support",
    "graph",
    "program",
    "dsl",
    "data",
    "train",
    "lower",
    "sim",
    "schedule",
    "verilog",
    "c",
    "verify",
    "report",
  ],
  tools: ["support", "program", "verify"],
  host: ["support"],
  cli: ["support", "graph", "program", "dsl", "data", "driver", "verify", "report", "host", "tools", "train"],
  "index.ts": [
    "support",
    "graph",
    "program",
    "dsl",
    "lower",
    "sim",
    "schedule",
    "verilog",
    "c",
    "verify",
    "report",
  ],
  "layers.ts": [],
};

/** Folders (and files) that may import `node:` modules; everything else must also run in a browser tab. */
export const NODE_FOLDERS: readonly string[] = ["host/node", "tools", "cli"];
