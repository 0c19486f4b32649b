import * as v from "valibot";

const uri = v.object({ fsPath: v.string() });
const executable = v.object({ executable: v.object({ uri: v.optional(uri) }) });
const apiSchema = v.object({
  environments: v.object({
    getActiveEnvironmentPath: v.function(),
    resolveEnvironment: v.function(),
    known: v.optional(v.array(v.unknown()), []),
  }),
});

/** Of a person who has very many. */
const maxKnown = 12;

/**
 * The interpreters that the Python extension knows, the chosen one first.
 * @param api what the extension `ms-python.python` exports, if it is that
 */
export async function interpretersOf(api: unknown, resource: unknown): Promise<string[]> {
  const parsed = v.safeParse(apiSchema, api);
  if (!parsed.success) return [];
  // Called as methods of their own object.
  const { environments } = api as { environments: Record<"getActiveEnvironmentPath" | "resolveEnvironment", Ask> };
  try {
    const active = await environments.resolveEnvironment(environments.getActiveEnvironmentPath(resource));
    const all = [active, ...parsed.output.environments.known.slice(0, maxKnown)];
    return [...new Set(all.flatMap(pathOf))];
  } catch {
    return [];
  }
}

type Ask = (argument: unknown) => unknown;

function pathOf(environment: unknown): string[] {
  const parsed = v.safeParse(executable, environment);
  const path = parsed.success ? parsed.output.executable.uri?.fsPath : undefined;
  return path === undefined ? [] : [path];
}
