import type { NewChange } from "./changes";
import { parseClassFilter } from "./filter";
import { matchesParameters } from "./matches";
import { defaultClass, type LearnerId, type LearnerRow } from "./rows";
import type { ResourceClass, Resources, Settings } from "./settings";

type Described = Pick<LearnerRow, "fname" | "combo">;

/** What the jobs of a class ask for; of one that there is no more, what those of the run do. */
export function resourcesOf({ resources, classes }: Pick<Settings, "resources" | "classes">, name: string): Resources {
  return Object.assign({}, resources, classes.find((one) => one.name === name)?.resources);
}

/** Gives learners their class: the first that is for their parameters. */
export function classifier(classes: readonly ResourceClass[]): (learner: Described) => string {
  const candidates = classes.map(({ name, where }) => ({ name, isFor: matchesParameters(parseClassFilter(where)) }));
  return (learner) => candidates.find(({ isFor }) => isFor(learner))?.name ?? defaultClass;
}

/** The learners with the classes that they have by these settings. */
export function classified<L extends Described>(
  learners: readonly L[],
  { classes }: Pick<Settings, "classes">,
): (L & Pick<LearnerRow, "resourceClass">)[] {
  const classOf = classifier(classes);
  return learners.map((learner) => ({ ...learner, resourceClass: classOf(learner) }));
}

/** Gives the learners of a run the classes that they have by these settings, where they have others. */
export function reclassified(
  learners: Iterable<Described & Pick<LearnerRow, "id" | "isListed" | "resourceClass">>,
  { classes }: Pick<Settings, "classes">,
): NewChange[] {
  const classOf = classifier(classes);
  const moved = new Map<string, LearnerId[]>();
  for (const learner of learners) {
    const resourceClass = classOf(learner);
    if (resourceClass === learner.resourceClass || !learner.isListed) continue;
    const others = moved.get(resourceClass);
    if (others) others.push(learner.id);
    else moved.set(resourceClass, [learner.id]);
  }
  return [...moved].map(([resourceClass, learners]) => ({ kind: "learnersClassed", learners, resourceClass }));
}

/** A sentence on each class that is nobody's. */
export function remarksOnClasses(
  { classes }: Pick<Settings, "classes">,
  learners: Iterable<Pick<LearnerRow, "resourceClass">>,
): string[] {
  const used = new Set<string>();
  for (const { resourceClass } of learners) used.add(resourceClass);
  return classes
    .filter(({ name }) => !used.has(name))
    .map(({ name, where }) => `No learner is in the class ${name} (${where}) of the setting classes.`);
}
