import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Native modules (ONNX Runtime, DuckDB, libsql) are not safe to reload inside worker threads.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    setupFiles: ['test/support/seed-properties.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: ['test/commands/**', 'test/interop/**', 'test/package/**'],
        },
      },
      {
        // The command line as users run it: from dist, which is compiled first where it is out of date.
        extends: true,
        test: {
          name: 'commands',
          include: ['test/commands/**/*.test.ts'],
          globalSetup: ['test/support/compile.ts'],
          testTimeout: 300_000,
        },
      },
      {
        // Against real peers: needs BALLAST_PYTHON and skips without.
        extends: true,
        test: { name: 'interop', include: ['test/interop/**/*.test.ts'] },
      },
      {
        // Packs the package and installs it in an empty folder: needs npm's registry.
        extends: true,
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          globalSetup: ['test/support/compile.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
