import { Emitter } from "../remote/event";
import type { RunSession } from "../remote/runSession";
import type { RunSessions } from "../remote/runSessions";
import { toAdaptiveError } from "../scheduler/state/errors";
import { checkNames, parseFilter } from "../scheduler/state/filter";

/** The filter of the learners of the run that is shown, by which the tree, the dashboard and the verbs all go. */
export class LearnerFilter {
  private readonly texts = new Map<RunSession["directory"], string>();
  private readonly changed = new Emitter<void>();
  readonly onDidChange = this.changed.event;

  constructor(private readonly sessions: Pick<RunSessions, "active">) {}

  /** Empty for all learners. */
  get text(): string {
    return this.texts.get(this.sessions.active?.directory ?? "") ?? "";
  }

  /** @returns what is wrong with the text, and then nothing changes; or null */
  async set(session: RunSession, text: string): Promise<string | null> {
    const trimmed = text.trim();
    const problem = await filterProblem(session, trimmed);
    if (problem !== null || (this.texts.get(session.directory) ?? "") === trimmed) return problem;
    this.texts.set(session.directory, trimmed);
    this.changed.fire();
    return null;
  }

  dispose(): void {
    this.changed.dispose();
  }
}

/** What is wrong with a filter of a run's learners, in words; or null. */
export async function filterProblem(session: RunSession, text: string): Promise<string | null> {
  try {
    const filter = parseFilter(text);
    if (filter.some(({ field }) => field.kind === "parameter")) {
      checkNames(filter, await session.query("parameters", null));
    }
    return null;
  } catch (error) {
    const { message, hint } = toAdaptiveError(error);
    return [message, hint].filter(Boolean).join(" ");
  }
}
