// Diagnostics of verification.
import { entry } from "./define.ts";

export const verifyMessages = {
  // sorted by code
  "verify/mismatch": entry<{ backend: string; detail: string }>({
    message: ({ backend, detail }) => `${backend} differs from the integer program: ${detail}`,
  }),
};
