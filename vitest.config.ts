import { defineConfig } from "vitest/config";

/** Programs for another machine are bundled as text. */
const pythonAsText = {
  name: "python-as-text",
  transform: (code: string, id: string) => (id.endsWith(".py") ? `export default ${JSON.stringify(code)}` : undefined),
};

const project = (name: string, testTimeout: number, options: object = {}) => ({
  plugins: [pythonAsText],
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, hookTimeout: testTimeout, ...options },
});

const setupFiles = ["test/home.ts"];

const onTestCluster = { SLURM_CONF: "/var/lib/adaptive-test-cluster/slurm.conf" };

/** Of tests with many real programs on a busy machine; `npm test` names what passed only then. */
const retry = 1;

export default defineConfig({
  test: {
    projects: [
      project("unit", 30_000),
      // One at a time: each uses the memory of thousands of simulated schedulers. Most of what they make is soon rubbish.
      project("simulation", 600_000, {
        fileParallelism: false,
        pool: "forks",
        poolOptions: { forks: { execArgv: ["--max-semi-space-size=64"] } },
      }),
      project("integration", 120_000, { setupFiles, retry }),
      project("crash", 600_000, { fileParallelism: false, setupFiles, globalSetup: ["test/crash/sum.ts"] }),
      project("cluster", 600_000, {
        setupFiles,
        retry,
        // The other versions are of the part `slurms`.
        include: ["test/cluster/*.test.ts", "test/cluster/versions/slurm24.11.test.ts"],
        globalSetup: ["test/cluster/testCluster.ts"],
        env: onTestCluster,
      }),
      project("slurms", 600_000, { include: ["test/cluster/versions/*.test.ts"], setupFiles, retry }),
      project("e2e", 240_000, { fileParallelism: false, setupFiles, retry, env: onTestCluster }),
    ],
  },
});
