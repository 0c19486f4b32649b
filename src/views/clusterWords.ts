import type { NodeOffer } from "../remote/deploy/chooseNode";
import { formatBytes } from "../scheduler/control/bytes";
import type { Downloaded } from "../remote/studySync/downloadResults";
import type { StudyPlan } from "../remote/studySync/plan";
import type { Place } from "../remote/studySync/planDownload";
import { AdaptiveError } from "../scheduler/state/errors";
import { plural } from "../scheduler/state/counts";
import type { Question } from "./studyWords";

const maxNamed = 12;

/** Whether to install Node on a head node, and where to take it from. */
export function nodeQuestion(
  host: string,
  { why, architecture }: NodeOffer,
  { version, megabytes }: { version: string; megabytes: number },
): Question {
  return {
    message: `Install Node on ${host}?`,
    detail: `${why} The scheduler runs on it. Node ${version} for ${architecture} (${megabytes} MB, once) is downloaded to this computer, checked, and copied there into a folder of yours; nothing else there changes.`,
    choices: ["Download from nodejs.org", "Download from npm", "Choose File…"],
  };
}

/** Whether schedulers are to run in jobs of the queue, where a host ends what a session leaves running. */
export function jobQuestion(host: string): Question {
  return {
    message: `${host} ends what a session leaves running`,
    detail:
      "The scheduler was ended together with the connection that had started it, so nobody would look after the jobs while you are away. " +
      `It can run in a small job of the queue (1 core, 1 GB), which renews itself: now, and from now on for all runs on ${host} (schedulerInJob in adaptive.clusters).`,
    choices: ["Run It in a Job"],
  };
}

/** Whether to send a study to a cluster: what goes, and what of it does not. */
export function sendQuestion(host: string, there: string, { send, leftOut }: StudyPlan): Question {
  const bytes = send.reduce((sum, { size }) => sum + size, 0);
  const size = `${plural(send.length, "file")}, ${formatBytes(bytes)}`;
  const left = Object.keys(leftOutWords).flatMap((why) => {
    const count = leftOut.filter((entry) => entry.why === why).length;
    return count === 0 ? [] : [`${plural(count, "file")} ${leftOutWords[why as keyof typeof leftOutWords]}`];
  });
  return {
    message: `Send this study to ${host}?`,
    detail: [
      `${size}, to ${there}:`,
      listed(send.map(({ path }) => path)),
      ...(left.length === 0 ? [] : [`Not sent: ${left.join(", ")}. "include" in adaptive.json takes some along.`]),
      "From now on what you change is sent whenever you start jobs.",
    ].join("\n\n"),
    choices: ["Send"],
  };
}

const leftOutWords = {
  data: "of data",
  large: "over 10 MB",
  "ignored by git": "that git ignores",
  "kept aside": "kept aside",
} as const;

/** Whether to write what a host lists as a run's data into a study's folder. */
export function downloadQuestion(host: string, folder: string, places: readonly Place[]): Question {
  const files = places.reduce((sum, place) => sum + place.files, 0);
  const bytes = places.reduce((sum, place) => sum + place.bytes, 0);
  return {
    message: `Download ${plural(files, "file")} (${formatBytes(bytes)}) from ${host}?`,
    detail: [
      `They go into ${folder}:`,
      listed(places.map(({ place, files }) => (files === 1 ? place : `${place}  (${plural(files, "file")})`))),
      "Agree if your learners' data is named so. Python runs what is in a data file when it loads it: download from hosts that you trust.",
    ].join("\n\n"),
    choices: ["Download"],
  };
}

/** What came of a download. */
export function downloadedWords({ fetched, keptAside, refused }: Downloaded): string {
  const [first] = refused;
  return [
    fetched === 0 ? "Nothing has changed there since." : `Downloaded ${plural(fetched, "file")}.`,
    ...(keptAside.length === 0 ? [] : [`What was in the way here is now in ${few(keptAside)}.`]),
    ...(first === undefined ? [] : [`Not taken: ${first.path} ${first.why}${others(refused.length - 1)}.`]),
  ].join(" ");
}

function few(paths: readonly string[]): string {
  return `${paths.slice(0, 3).join(", ")}${others(paths.length - 3)}`;
}

function others(count: number): string {
  return count <= 0 ? "" : `, and ${plural(count, "other")}`;
}

function listed(paths: readonly string[]): string {
  if (paths.length <= maxNamed) return paths.join("\n");
  return [...paths.slice(0, maxNamed - 1), `and ${paths.length - maxNamed + 1} more`].join("\n");
}

/** Of data to be downloaded. */
export const notOnCluster = new AdaptiveError(
  "not-on-cluster",
  "The run that is shown is on this computer, and so is its data.",
  "Choose one on a cluster: Adaptive: Switch Run.",
);

/** @param folder where it was sent from, if that is known */
export function studyNotOpen(host: string, folder: string | null): AdaptiveError {
  return new AdaptiveError(
    "study-not-open",
    `The data is on ${host}, and the study that it is of is not open here.`,
    folder === null
      ? "Open the folder with its learners file, and download again."
      : `Open ${folder}, with its learners file in it, and download again.`,
  );
}
