// Constraints of a board's pins, in the language of each tool. In: ports with their pins, and the clock. Out: text.

export interface PinnedPort {
  readonly port: string;
  readonly pin: string;
}

export interface Pins {
  readonly ports: readonly PinnedPort[];
  /** Port of the oscillator. */
  readonly clock: string;
  readonly mhz: number;
  readonly ioStandard: string;
}

export type PinLanguage = "pcf" | "lpf" | "cst" | "xdc";

/** In picoseconds, so that no digit of the period is made up. */
export const periodNs = (mhz: number): number => Math.floor(1e6 / mhz) / 1000;

const WRITERS: Readonly<Record<PinLanguage, (pins: Pins) => readonly string[]>> = {
  pcf: ({ ports, clock, mhz }) => [
    ...ports.map(({ port, pin }) => `set_io ${port} ${pin}`),
    `set_frequency ${clock} ${mhz}`,
  ],
  lpf: ({ ports, clock, mhz, ioStandard }) => [
    ...ports.flatMap(({ port, pin }) => [
      `LOCATE COMP "${port}" SITE "${pin}";`,
      `IOBUF PORT "${port}" IO_TYPE=${ioStandard};`,
    ]),
    `FREQUENCY PORT "${clock}" ${mhz} MHZ;`,
  ],
  cst: ({ ports, ioStandard }) =>
    ports.flatMap(({ port, pin }) => [
      `IO_LOC "${port}" ${pin};`,
      `IO_PORT "${port}" IO_TYPE=${ioStandard};`,
    ]),
  xdc: ({ ports, clock, mhz, ioStandard }) => [
    ...ports.map(
      ({ port, pin }) =>
        `set_property -dict {PACKAGE_PIN ${pin} IOSTANDARD ${ioStandard}} [get_ports ${port}]`,
    ),
    `create_clock -name ${clock} -period ${periodNs(mhz).toFixed(3)} [get_ports ${clock}]`,
  ],
};

/** The file's text; ports keep their order. */
export function pinText(language: PinLanguage, pins: Pins): string {
  return `${WRITERS[language](pins).join("\n")}\n`;
}
