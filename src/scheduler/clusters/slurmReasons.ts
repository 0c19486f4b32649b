/** Why a job waits, of Slurm's some hundred reasons (squeue(1), JOB REASON CODES): the words for those that people meet. */

/** @returns null for none */
export function reasonWords(reason: string): string | null {
  const [code = ""] = reason.split(/[, ]/);
  if (code === "" || code === "None" || code === "(null)") return null;
  const known = hopeless.find(([pattern]) => pattern.test(code)) ?? patient.find(([pattern]) => pattern.test(code));
  return known ? `${known[1]} (${reason})` : reason;
}

/** Whether a job that waits for this will never start as it was asked for. */
export function isHopeless(reason: string): boolean {
  const [code = ""] = reason.split(/[, ]/);
  return hopeless.some(([pattern]) => pattern.test(code));
}

/**
 * Why a job failed that the queue could not start, or ended for a reason of its own.
 *
 * @param signal of its status: Slurm has some of its own above those of Linux
 * @returns what goes behind "its job 4711_3"; null when the job ended by itself
 */
export function failureWords(signal: number, reason: string): string | null {
  if (signal === cannotOpen) {
    return "could not be started: its working folder, or the file of its output in it, cannot be opened on the node";
  }
  const [code = ""] = reason.split(/[, ]/);
  // So older versions call it, too, when a job was killed while it ran.
  if (signal > 0 && code === "JobLaunchFailure") return null;
  const known = failures.find(([pattern]) => pattern.test(code));
  if (known) return `${known[1]} (${reason})`;
  return isHopeless(reason) ? `could not be started: ${reasonWords(reason)}` : null;
}

/** What the step that starts a job's script ends with when it finds no folder to work in or cannot write the output. */
const cannotOpen = 53;

type Words = readonly (readonly [RegExp, string])[];

const hopeless: Words = [
  [/^PartitionTimeLimit$|MaxWallDurationPerJob/, "its walltime is over the limit"],
  [/^PartitionNodeLimit$|MaxNode.*PerJob/, "it asks for more nodes than it may have"],
  [/^PartitionConfig$/, "no node of the partition has what it asks for"],
  [/^BadConstraints$/, "no node can satisfy what it asks for"],
  [/^(Assoc|QOS).*(Max|Min).*Per(Job|Node)/, "it asks for more or less than one job may have"],
  [/^AccountNotAllowed$|^InvalidAccount$/, "its account may not be used here"],
  [/^InvalidQOS$|^QOSNotAllowed$/, "its quality of service may not be used here"],
  [/^DependencyNeverSatisfied$/, "it depends on a job that failed"],
  [/^launch(_failed\w*)?$|^JobHoldMaxRequeue$/, "its node could not start it, and the queue holds it"],
];

const failures: Words = [
  [/^JobLaunchFailure$/, "could not be started on its node"],
  [/^SystemFailure$/, "was ended by a fault of the queue"],
  [/^InactiveLimit$/, "was ended by the queue because it did nothing"],
  [/^(BurstBuffer|StageIn|StageOut)\w*$/, "was ended because the queue could not bring its files"],
];

const patient: Words = [
  [/^Priority$/, "other jobs come first"],
  [/^Resources$/, "free nodes"],
  [/^(ReqNodeNotAvail|NodeDown)$/, "nodes that are reserved or down"],
  [/^Partition(Down|Inactive)$/, "its partition, which is closed at the moment"],
  [/^(JobHeldUser|JobHeldAdmin)$/, "somebody to release it, because it is held"],
  [/^(BeginTime|Cleaning)$/, "its time to begin"],
  [/^Dependency$/, "a job that it depends on"],
  [/^Reservation$/, "its reservation"],
  [/^Licenses$/, "a licence"],
  [/^JobArrayTaskLimit$/, "others of its array to end"],
  [/^(Assoc|QOS).*(Max|Grp).*/, "your limits: other jobs have to end first"],
];
