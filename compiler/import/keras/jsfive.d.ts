// The part of jsfive that is used; the package has no types of its own.
declare module "jsfive" {
  export class Group {
    readonly keys: readonly string[];
    readonly attrs: Readonly<Record<string, unknown>>;
    /** Not of its interface: what reads attributes. */
    readonly _dataobjects: object;
    get(name: string): Group | Dataset | null;
  }
  export class File extends Group {
    constructor(bytes: ArrayBuffer, name: string);
  }
  export class Dataset {
    readonly shape: readonly number[];
    readonly dtype: unknown;
    /** Not of its interface: what says how it is stored. */
    readonly _dataobjects: {
      readonly fh: ArrayBuffer;
      /** Sizes of a chunk; null where it is not in chunks. The address is known once this was asked for. */
      readonly chunks: readonly number[] | null;
      readonly _chunk_address: number | bigint | null;
    };
    readonly value: readonly unknown[];
  }
  /** By the filter's number in the file: 1 is deflate. */
  export const Filters: Map<number, (packed: ArrayBuffer) => ArrayBuffer>;
}
