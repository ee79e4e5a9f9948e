// The one registry of diagnostics: every code, its text and its hint. Stages keep their part in messages/.
import { buildMessages } from "./messages/build.ts";
import { cliMessages } from "./messages/cli.ts";
import { dataMessages } from "./messages/data.ts";
import { exportMessages } from "./messages/export.ts";
import { flowMessages } from "./messages/flow.ts";
import { graphMessages } from "./messages/graph.ts";
import { importMessages } from "./messages/import.ts";
import { importExactMessages } from "./messages/import-exact.ts";
import { importFloatMessages } from "./messages/import-float.ts";
import { importKerasMessages } from "./messages/import-keras.ts";
import { languageMessages } from "./messages/language.ts";
import { programMessages } from "./messages/program.ts";
import { solveMessages } from "./messages/solve.ts";
import { trainMessages } from "./messages/train.ts";
import { verifyMessages } from "./messages/verify.ts";
import { verilogMessages } from "./messages/verilog.ts";

export const messages = {
  ...languageMessages,
  ...graphMessages,
  ...importExactMessages,
  ...dataMessages,
  ...importMessages,
  ...importFloatMessages,
  ...importKerasMessages,
  ...trainMessages,
  ...programMessages,
  ...verilogMessages,
  ...verifyMessages,
  ...exportMessages,
  ...flowMessages,
  ...solveMessages,
  ...buildMessages,
  ...cliMessages,
};

/** A stable code, `stage/kebab-case`. */
export type MessageCode = keyof typeof messages;

/** What the message of a code is made from. */
export type MessageParameters<C extends MessageCode> = Parameters<(typeof messages)[C]["message"]>[0];
