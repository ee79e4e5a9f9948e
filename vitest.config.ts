import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["compiler/tests/**/*.test.ts", "rtl-tests/**/*.test.ts"],
    globalSetup: ["compiler/tests/global-setup.ts"],
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
});
