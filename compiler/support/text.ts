// UTF-8 text and bytes. In: a string or bytes. Out: the other one; bytes that are no UTF-8 give undefined.

// Both classes exist in Node and in every browser, but not in the language's own type library.
interface Encoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
interface Decoder {
  decode(bytes: Uint8Array): string;
}
const globals = globalThis as unknown as {
  readonly TextEncoder: new () => Encoder;
  readonly TextDecoder: new (label: string, options: { fatal: boolean; ignoreBOM: boolean }) => Decoder;
};
const encoder = new globals.TextEncoder();
const decoder = new globals.TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** UTF-8 bytes of a text. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** The text of UTF-8 bytes without a leading byte order mark; undefined when the bytes are no UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
