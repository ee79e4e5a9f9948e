// The part of csv-parse that is used. The package's own types pull in Node's, which would hide a Node global in the
// folders that have to run in a browser tab too.
declare module "csv-parse/browser/esm/sync" {
  export interface ParseOptions {
    readonly record_delimiter: readonly string[];
    readonly skip_empty_lines: boolean;
    readonly relax_column_count: boolean;
    /** Called for every row; null leaves it out of the result. `lines` is the line that the row ends on, from 1. */
    readonly on_record: (cells: readonly string[], context: { readonly lines: number }) => null;
  }
  export function parse(input: Uint8Array, options: ParseOptions): readonly unknown[];
}
