// SHA-256 of file contents, without anything of Node.
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { bytesOf } from "./file-set.ts";

/** SHA-256 in hexadecimal of the parts one after the other, each preceded by its length. */
export function digestOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = sha256.create();
  for (const part of parts) {
    const bytes = bytesOf(part);
    hash.update(bytesOf(`${bytes.length}:`));
    hash.update(bytes);
  }
  return bytesToHex(hash.digest());
}

/** SHA-256 of one file's content, as `sha256sum` prints it. */
export function sha256Of(content: string | Uint8Array): string {
  return bytesToHex(sha256(bytesOf(content)));
}
