/** What a view says beside its rows. */
export interface ViewHead {
  message?: string | undefined;
  description?: string | undefined;
}

/** Writes what is new: the editor sends on what is written, also when it says what it said before. */
export function drawHead(view: ViewHead, head: Required<ViewHead>): void {
  if (view.message !== head.message) view.message = head.message;
  if (view.description !== head.description) view.description = head.description;
}
