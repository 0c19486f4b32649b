const longestText = 2000;

/**
 * A text of somebody else (a host, a learner, a file) as it is read where the editor would take parts of it for its own:
 * `[x](command:…)` in a notification is a button, `$(icon)` in a label a picture. It reads the same, and means nothing;
 * what controls a screen or turns letters around is left out.
 */
export function plain(text: string, maxLength = longestText): string {
  const shown = text
    .replace(/[^\P{Cc}\n\t]|[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\p{Cs}]/gu, "")
    .replace(/\](?=\()|\$(?=\()/g, `$&${wordJoiner}`);
  return shown.length > maxLength ? `${shown.slice(0, maxLength - 1)}…` : shown;
}

/** Takes no room and breaks no line. */
const wordJoiner = "\u2060";
