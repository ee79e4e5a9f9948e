// What a file of integers says about them. In: formats of the program. Out: the same in words of the files, and the narrowest
// element type.
import type { WritableNumericType } from "../data/npy.ts";
import { type Format, isSigned, widthOf } from "../program/program.ts";

/** value = m * 2^-fraction of an int, (2m - 1) * 2^-fraction of a bipolar bit; one fraction, or one for each channel. */
export interface ExportedFormat {
  readonly kind: "int" | "bipolar";
  readonly signed: boolean;
  readonly width: number;
  readonly fraction: number | readonly number[];
}

export function exportedFormat(format: Format): ExportedFormat {
  const { kind, fraction } = format;
  return { kind, signed: isSigned(format), width: widthOf(format), fraction };
}

/** The narrowest element type that holds all mantissas of a format. */
export function elementType(format: Format): WritableNumericType {
  const width = widthOf(format);
  const bits = width <= 8 ? 8 : width <= 16 ? 16 : width <= 32 ? 32 : 64;
  return isSigned(format) || bits === 64 ? `int${bits}` : `uint${bits}`;
}

/** Names for files and arrays: letters, digits, dots and dashes, each one once. */
export function createNames(): (wished: string) => string {
  const taken = new Set<string>();
  return (wished) => {
    const plain =
      wished
        .replaceAll(/[^A-Za-z0-9_.-]/g, "_")
        .replace(/^\.+/, "_")
        .slice(0, 100) || "unnamed";
    let name = plain;
    for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${plain}-${n}`;
    taken.add(name.toLowerCase());
    return name;
  };
}
