// Makes the readings of a large heat pump: train.csv and test.csv. In: a folder, this one by default. The same rows
// every time; no rows of the two files are drawn from the same stream.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createUniform } from "../uniform.mjs";

const here = dirname(fileURLToPath(import.meta.url));

/** Seed of each file. */
const SEEDS = { train: 1, test: 2 };
const ROWS = { train: 2000, test: 500 };

/** Readings as fractions of the sensor's range, with the range in °C, bar or parts of the rated value. */
const RANGES = {
  source_temperature: [-5, 25],
  supply_temperature: [45, 85],
  return_temperature: [30, 60],
  compressor_speed: [0.3, 1],
  source_flow: [0.4, 1],
  supply_flow: [0.4, 1],
  evaporator_pressure: [1, 8],
  // Tells nothing: what a trained noise floor should find out.
  cabinet_temperature: [10, 40],
};

/** One operating point: readings in their units, heat and electric power in MW. */
function operatingPoint(uniform) {
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const within = ([low, high]) => low + (high - low) * uniform();
  const r = Object.fromEntries(Object.entries(RANGES).map(([name, range]) => [name, within(range)]));
  // Both heat exchangers need a difference of temperature that grows with the power and shrinks with the flow.
  const evaporating = r.source_temperature - (5 * r.compressor_speed) / r.source_flow;
  const supply = Math.max(r.supply_temperature, r.return_temperature + 3);
  const condensing = supply + (4 * r.compressor_speed) / r.supply_flow;
  r.supply_temperature = supply;
  // Vapour pressure rises exponentially with the temperature.
  r.evaporator_pressure = 3 * Math.exp(0.032 * evaporating) + 0.05 * normal();
  // The compressor moves a volume: a denser vapour carries more heat, a hotter condenser leaves less of it.
  const density = Math.exp(0.028 * evaporating);
  const heat = 0.7 * r.compressor_speed * density * (1 - 0.006 * (condensing - 60));
  // Carnot's limit, with an efficiency that is best at three quarters of the speed.
  const efficiency = 0.58 - 0.5 * (r.compressor_speed - 0.75) ** 2;
  const performance = (efficiency * (condensing + 273.15)) / (condensing - evaporating);
  const pumps = 0.015 * r.source_flow ** 3 + 0.01 * r.supply_flow ** 3;
  return { readings: r, heat: heat + 0.008 * normal(), power: heat / performance + pumps + 0.003 * normal() };
}

/** A CSV text of `rows` operating points. */
export function makeCsv(seed, rows) {
  const uniform = createUniform(seed);
  const lines = [[...Object.keys(RANGES), "heat", "power"].join(",")];
  for (let i = 0; i < rows; i++) {
    const { readings, heat, power } = operatingPoint(uniform);
    const cells = Object.entries(RANGES).map(([name, [low, high]]) => {
      const fraction = (readings[name] - low) / (high - low);
      return Math.min(0.9999, Math.max(0, fraction)).toFixed(4);
    });
    lines.push([...cells, heat.toFixed(4), power.toFixed(4)].join(","));
  }
  return `${lines.join("\n")}\n`;
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  const folder = argv[2] ?? here;
  mkdirSync(folder, { recursive: true });
  for (const split of ["train", "test"])
    writeFileSync(join(folder, `${split}.csv`), makeCsv(SEEDS[split], ROWS[split]));
}
