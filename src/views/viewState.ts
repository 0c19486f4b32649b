/** What the views show while they are empty, as the manifest's `when` clauses know it. */
export type ViewState = "windows" | "looking" | "noStudy" | "study" | "connecting" | "copied" | "run";

/** What is known of a window, as far as its empty views go by it. */
export interface WindowFacts {
  platform: NodeJS.Platform;
  /** Whether the folders were searched: before, that there is nothing is not known. */
  hasLooked: boolean;
  hasStudy: boolean;
  hasSession: boolean;
  isCopied: boolean;
  hasOverview: boolean;
}

export function viewStateOf(facts: WindowFacts): ViewState {
  if (facts.platform === "win32") return "windows";
  if (facts.isCopied) return "copied";
  if (facts.hasOverview) return "run";
  if (facts.hasSession) return "connecting";
  if (!facts.hasLooked) return "looking";
  return facts.hasStudy ? "study" : "noStudy";
}
