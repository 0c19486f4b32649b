import js from "@eslint/js";
import tseslint from "typescript-eslint";

const noDefaultExports = {
  selector: "ExportDefaultDeclaration",
  message: "Export it by its name: one name everywhere.",
};

const noRawMessages = {
  selector:
    "CallExpression[callee.object.name='window'][callee.property.name=/^show(Error|Warning|Information)Message$/]:not([arguments.0.callee.name='plain'])",
  message: "Show it with plain(): what a host says may hold links that run commands.",
};

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", ".venv/", ".vscode-server/", ".slurm/", "test/results/"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // Our interfaces are made of plain functions, which are passed on by themselves.
      "@typescript-eslint/unbound-method": "off",
      eqeqeq: "error",
      "no-restricted-syntax": ["error", noDefaultExports, noRawMessages],
    },
  },
  {
    // What a test gets from outside (JSON, a page) it knows the shape of.
    files: ["test/**/*.ts"],
    rules: {
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/require-await": "off",
    },
  },
  // The configurations of tools are default exports because the tools want them.
  { files: ["*.config.ts"], rules: { "no-restricted-syntax": "off" } },
  { files: ["**/*.mjs", "**/*.cjs"], languageOptions: { globals: nodeGlobals() } },
);

function nodeGlobals() {
  const names = ["process", "console", "Buffer", "URL", "AbortSignal", "fetch", "setTimeout", "clearTimeout", "module"];
  return Object.fromEntries(names.map((name) => [name, /** @type {const} */ ("readonly")]));
}
