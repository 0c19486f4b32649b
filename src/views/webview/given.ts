import type { PropertyDeclarations } from "lit";

/** Properties that an element is given as values, not as attributes. */
export function given(...names: readonly string[]): PropertyDeclarations {
  return Object.fromEntries(names.map((name) => [name, { attribute: false }]));
}
