// A process of `make fuzz-inputs`: reads inputs by their numbers. In: as JSON on the command line the seed, numbers from..to
// and a file for its state. Out: a line of JSON for each finding, and one of counts at the end; in the state file, at any
// moment, the number of the input that it is at.
import { openSync, writeSync } from "node:fs";
import { inputOf, judge, type Outcome } from "./readers.ts";

export interface WorkerRequest {
  readonly seed: number;
  readonly from: number;
  /** Behind the last. */
  readonly to: number;
  readonly state: string;
  /** Processor time and resident memory that one input may take. */
  readonly limits: { readonly milliseconds: number; readonly megabytes: number };
}

export interface ReaderCount {
  inputs: number;
  accepted: number;
  refused: number;
  milliseconds: number;
  slowest: number;
}

const { seed, from, to, state, limits } = JSON.parse(process.argv[2]!) as WorkerRequest;
// jsfive tells the console of attributes that it does not know.
console.warn = () => {};

const place = new Uint32Array(1);
const file = openSync(state, "w");
const say = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};
/** The most that the process ever had; it may be that an input before left garbage, which a second look at it alone tells. */
const peak = (): number => process.resourceUsage().maxRSS / 1024;

const counts: Record<string, ReaderCount> = {};
let before = peak();
for (let index = from; index < to; index++) {
  place[0] = index;
  writeSync(file, new Uint8Array(place.buffer), 0, 4, 0);
  const input = inputOf(seed, index);
  const { name } = input.reader;
  counts[name] ??= { inputs: 0, accepted: 0, refused: 0, milliseconds: 0, slowest: 0 };
  const count = counts[name];
  const finding = (what: string): void =>
    say({ index, reader: name, what, input: Buffer.from(input.bytes).toString("base64") });
  const started = process.cpuUsage();
  let outcome: Outcome | undefined;
  try {
    outcome = judge(input);
  } catch (error) {
    finding(error instanceof Error ? (error.stack ?? error.message) : `it threw ${String(error)}`);
  }
  const { user, system } = process.cpuUsage(started);
  const took = (user + system) / 1000;
  if (took > limits.milliseconds) finding(`it took ${Math.round(took)} ms`);
  const now = peak();
  if (now > limits.megabytes && now > before) finding(`the process had ${Math.round(now)} MB`);
  before = now;
  count.inputs++;
  count.milliseconds += took;
  count.slowest = Math.max(count.slowest, took);
  if (outcome) count[outcome]++;
}
say({ counts, megabytes: peak() });
