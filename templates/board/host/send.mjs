#!/usr/bin/env node
// Sends samples to a board with the bitstream nf_board and prints what it answers. Needs Node 20 or later and nothing else; the
// line is set by stty (Linux, macOS). What goes over it is in docs/flow.md of noisefloor.
//
//   node send.mjs /dev/ttyUSB1                 the known answers that came with the design: 0 differences, or exit code 1
//   node send.mjs /dev/ttyUSB1 samples.npy     integers as the model stores them, or real values; also .json: an array of samples
//   node send.mjs localhost:4000 ...           a line behind a TCP port, such as a board at another machine
//   node send.mjs ... --limit 100              only the first ones
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { argv, exit, platform } from "node:process";
import { ReadStream, WriteStream } from "node:tty";

const design = JSON.parse(readFileSync(new URL("design.json", import.meta.url), "utf8"));
const WINDOW = 2; // frames on their way; the board takes four
const PATIENCE_MS = 3000; // beyond the time on the line
const STATUS = ["", "wrong length", "wrong check sum", "broken off", "broken byte", "busy"];

class Refused extends Error {}
const refuse = (text) => {
  throw new Refused(text);
};

export function checkSum(bytes) {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : crc << 1;
  }
  return crc;
}

export function requestFrame(number, packet) {
  const { length } = packet;
  const summed = [number & 255, length & 255, (length >> 8) & 255, (length >> 16) & 255, ...packet];
  const crc = checkSum(summed);
  return Buffer.from([0x4e, 0x46, ...summed, crc >> 8, crc & 255]);
}

/** Takes answers off the front of what was received; bytes that belong to none are passed over. */
export function takeAnswers(bytes) {
  const answers = [];
  let at = 0;
  while (at + 9 <= bytes.length) {
    if (bytes[at] !== 0x6e || bytes[at + 1] !== 0x66) {
      at++;
      continue;
    }
    const length = bytes[at + 4] + 256 * bytes[at + 5] + 65536 * bytes[at + 6];
    const most = design.output.beats * design.output.lanes * design.output.laneBytes;
    if (length > most) {
      at++;
      continue;
    }
    const end = at + 9 + length;
    if (end > bytes.length) break;
    if (checkSum(bytes.subarray(at + 2, end)) !== 0) {
      at++;
      continue;
    }
    answers.push({ number: bytes[at + 2], status: bytes[at + 3], packet: bytes.subarray(at + 7, end - 2) });
    at = end;
  }
  return { answers, rest: bytes.subarray(at) };
}

/** One packet of the input's port: lanes of whole bytes, lowest byte first. */
export function packSample(sample) {
  const { laneBytes, lanes, values } = design.input;
  const [{ elements, beats }] = values;
  if (sample.length !== elements) refuse(`a sample has ${sample.length} numbers, not ${elements}`);
  const packet = Buffer.alloc(beats * lanes * laneBytes);
  sample.forEach((value, e) => {
    for (let b = 0, rest = value; b < laneBytes; b++) {
      const low = ((rest % 256) + 256) % 256;
      packet[e * laneBytes + b] = low;
      rest = (rest - low) / 256;
    }
  });
  return packet;
}

/** What an answer says, by the names of its values. */
export function readPacket(packet) {
  const { laneBytes, lanes, values } = design.output;
  const found = {};
  let at = 0;
  for (const { value, role, elements, beats, signed } of values) {
    const numbers = Array.from({ length: elements }, (_, e) =>
      signed
        ? packet.readIntLE(at + e * laneBytes, laneBytes)
        : packet.readUIntLE(at + e * laneBytes, laneBytes),
    );
    found[role === "class" ? "class" : value] = elements === 1 ? numbers[0] : numbers;
    at += beats * lanes * laneBytes;
  }
  return found;
}

/** Integers are checked and taken as they are; real values are rounded to the model's steps. */
function storedOf(numbers, areReal) {
  const [{ signed, width, fraction }] = design.input.values;
  const [least, most] = signed ? [-(2 ** (width - 1)), 2 ** (width - 1) - 1] : [0, 2 ** width - 1];
  return numbers.map((x) => {
    if (Number.isNaN(x)) refuse("NaN is no value");
    if (areReal) return Math.min(most, Math.max(least, Math.floor(x * 2 ** fraction + 0.5)));
    if (!Number.isInteger(x) || x < least || x > most) refuse(`${x} is no integer from ${least} to ${most}`);
    return x;
  });
}

const NPY_TYPES = {
  u1: Uint8Array,
  i1: Int8Array,
  u2: Uint16Array,
  i2: Int16Array,
  u4: Uint32Array,
  i4: Int32Array,
  f4: Float32Array,
  f8: Float64Array,
};

/** Samples of a file, as the model stores them. */
export function readSamples(path) {
  const [{ elements }] = design.input.values;
  const bytes = readFileSync(path);
  if (path.endsWith(".json")) {
    const samples = JSON.parse(bytes.toString());
    return samples.map((sample) => storedOf([sample].flat(Infinity), false));
  }
  if (bytes.subarray(1, 6).toString() !== "NUMPY") refuse(`${path} is neither .npy nor .json`);
  const wide = bytes[6] > 1;
  const start = wide ? 12 + bytes.readUInt32LE(8) : 10 + bytes.readUInt16LE(8);
  const head = bytes.subarray(wide ? 12 : 10, start).toString();
  const [, type] = /'descr':\s*'[<|=]?(\w\d)'/.exec(head) ?? refuse(`${path}: a type that is not known here`);
  if (/'fortran_order':\s*True/.test(head)) refuse(`${path} is stored by columns`);
  const Type = NPY_TYPES[type] ?? refuse(`${path}: ${type} is not known here`);
  const all = [...new Type(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length))];
  if (all.length % elements !== 0) refuse(`${path} has no whole number of samples of ${elements}`);
  return Array.from({ length: all.length / elements }, (_, n) =>
    storedOf(all.slice(n * elements, (n + 1) * elements), type[0] === "f"),
  );
}

function openLine(name, baud) {
  const tcp = /^([\w.-]+):(\d+)$/.exec(name);
  if (tcp) {
    const socket = connect({ host: tcp[1], port: Number(tcp[2]) });
    return { input: socket, output: socket, close: () => socket.destroy() };
  }
  const file = platform === "darwin" ? "-f" : "-F";
  execFileSync("stty", [file, name, `${baud}`, "raw", "-echo", "-hupcl", "-crtscts", "cs8", "-cstopb"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const handle = openSync(name, constants.O_RDWR | constants.O_NOCTTY);
  const [input, output] = [new ReadStream(handle), new WriteStream(handle)];
  const close = () => {
    input.destroy();
    output.destroy();
    try {
      closeSync(handle);
    } catch {
      // The streams closed it.
    }
  };
  return { input, output, close };
}

/** Sends packets, a few at a time, each up to three times; `onAnswer` gets them in their order. */
export async function send(line, packets, onAnswer) {
  let buffer = Buffer.alloc(0);
  let hasMore = false; // since the last look: a part of an answer may lie there for long
  let wake = () => {};
  line.input.on("data", (bytes) => {
    buffer = Buffer.concat([buffer, bytes]);
    hasMore = true;
    wake();
  });
  let lost;
  line.input.on("error", (error) => {
    lost = error;
    wake();
  });
  // Until a window of packets and of answers has passed, ten bits a byte, both with what is around them.
  const bytes = [design.input, design.output].map(({ lanes, laneBytes, beats }) => lanes * laneBytes * beats + 16);
  const patience = PATIENCE_MS + (1000 * WINDOW * 10 * (bytes[0] + bytes[1])) / design.baud;
  const done = new Map();
  let next = 0;
  let told = 0;
  const under = new Map(); // by number: which packet, tries, when
  const start = (packet, tries) => {
    under.set(packet & 255, { packet, tries, at: Date.now() });
    line.output.write(requestFrame(packet, packets[packet]));
  };
  const again = ({ packet, tries }, why) => {
    if (tries >= 3) refuse(`packet ${packet}: ${why}, three times`);
    start(packet, tries + 1);
  };
  while (told < packets.length) {
    while (next < packets.length && under.size < WINDOW) start(next++, 1);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, 100);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (hasMore) wake();
    });
    hasMore = false;
    if (lost) refuse(lost.message);
    const taken = takeAnswers(buffer);
    buffer = Buffer.from(taken.rest);
    for (const { number, status, packet } of taken.answers) {
      const asked = under.get(number);
      if (!asked) continue;
      under.delete(number);
      if (status === 1) refuse("the board expects packets of another length: it has another design");
      if (status === 0) done.set(asked.packet, packet);
      else again(asked, `the board says ${STATUS[status] ?? status}`);
    }
    for (; done.has(told); told++) {
      onAnswer(told, done.get(told));
      done.delete(told);
    }
    const late = [...under.values()].find(({ at }) => Date.now() - at > patience);
    if (late) again(late, "the board is silent");
  }
}

async function main(words) {
  const option = (name, otherwise) => {
    const at = words.indexOf(`--${name}`);
    return at < 0 ? otherwise : Number(words.splice(at, 2)[1]);
  };
  const limit = option("limit", Number.POSITIVE_INFINITY);
  const [port, path] = words;
  if (port === undefined) {
    console.error(`usage: node send.mjs PORT [SAMPLES] [--limit N]; the port is that of the ${design.serialPort}`);
    return 2;
  }
  const known = design.knownAnswers.slice(0, limit);
  const packets =
    path === undefined
      ? known.map(({ packet }) => Buffer.from(packet, "hex"))
      : readSamples(path).slice(0, limit).map(packSample);
  const line = openLine(port, design.baud);
  const started = Date.now();
  let differences = 0;
  try {
    await send(line, packets, (n, packet) => {
      const expected = path === undefined ? known[n].answer : undefined;
      const differs = expected !== undefined && packet.toString("hex") !== expected;
      if (differs) differences++;
      const found = readPacket(packet);
      const only = Object.values(found);
      if (path !== undefined) console.log(only.length === 1 ? JSON.stringify(only[0]) : JSON.stringify(found));
      else if (differs) console.log(`${n}: expected ${expected}, got ${packet.toString("hex")}`);
    });
  } finally {
    line.close();
  }
  const seconds = (Date.now() - started) / 1000;
  console.error(`${packets.length} samples in ${seconds.toFixed(2)} s`);
  if (path === undefined) console.log(`${packets.length} known answers, ${differences} differences`);
  return differences === 0 ? 0 : 1;
}

if (argv[1] && import.meta.url.endsWith(argv[1].replaceAll("\\", "/").split("/").pop()))
  main(argv.slice(2)).then(exit, (error) => {
    if (!(error instanceof Refused) && !("code" in error) && !("status" in error)) throw error;
    console.error(`error: ${error.message}`);
    exit(1);
  });
