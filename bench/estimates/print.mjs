// Text of what the estimates come to: the table of errors, and the files of coefficients.
const identifier = (target) => target.replace(/-(\w)/g, (_, c) => c.toUpperCase());
const number = (value) => `${Number(value.toPrecision(5))}`;
const percent = (error) => `${(100 * error).toFixed(1)} %`;

export function coefficientsText(target, { lut, register, delays }) {
  const entries = (record) =>
    Object.entries(record).map(([name, value]) => `    ${name}: ${number(value)},\n`);
  return [
    `// Made by \`node bench/estimates.mjs --target ${target} --fit\`.\n`,
    `import type { Coefficients } from "./coefficients.ts";\n\n`,
    `export const ${identifier(target)}: Coefficients = {\n`,
    "  lut: {\n",
    ...entries(lut),
    "  },\n",
    `  register: ${number(register)},\n`,
    ...(delays ? ["  delays: {\n", ...entries(delays), "  },\n"] : []),
    "};\n",
  ].join("");
}

export function tableText(summaries) {
  const head =
    "| target | designs | LUT: median, worst | FF: median, worst | DSP exact | BRAM exact | Fmax: median, worst, within 20 % |";
  const rows = summaries.map((s) =>
    [
      `| \`${s.target}\``,
      s.designs,
      `${percent(s.lut.median)}, ${percent(s.lut.worst)}`,
      `${percent(s.ff.median)}, ${percent(s.ff.worst)}`,
      `${s.dspExact} of ${s.designs} (${s.withDsp} have any)`,
      `${s.bramExact} of ${s.designs} (${s.withBram} have any)`,
      s.fmax
        ? `${percent(s.fmax.median)}, ${percent(s.fmax.worst)}, ${s.fmax.within} of ${s.fmax.designs} |`
        : "|",
    ].join(" | "),
  );
  return [head, "|---|---|---|---|---|---|---|", ...rows].join("\n");
}
