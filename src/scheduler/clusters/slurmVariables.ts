/**
 * Slurm's commands take orders from variables too: of the allocation that somebody runs in, and of login files.
 * None of them may change what our own commands do; what a person means by some of them for their jobs is kept.
 */

const prefixes = ["SLURM_", "SBATCH_", "SQUEUE_", "SACCT_", "SCANCEL_", "SCONTROL_", "SALLOC_", "SRUN_"];
/** Where Slurm is, and who one is there. */
const ofTheSite = ["SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT"];

/** What `sbatch` charges jobs to and where it sends them; not when the script says so itself. */
const wishes: Readonly<Record<string, RegExp>> = {
  SBATCH_ACCOUNT: option("A", "account"),
  SBATCH_PARTITION: option("p", "partition"),
  SBATCH_QOS: option("q", "qos"),
  SBATCH_RESERVATION: option(null, "reservation"),
  SBATCH_WCKEY: option(null, "wckey"),
  SBATCH_CONSTRAINT: option("C", "constraint"),
};

function option(letter: string | null, name: string): RegExp {
  return new RegExp(`^#SBATCH\\s(.*\\s)?(--${name}\\b${letter === null ? "" : `|-${letter}`})`, "m");
}

/** What a person's variables wish for the jobs of a script. Over what the script says they would win. */
export function wishesBeside(script: string): string[] {
  return Object.keys(wishes).filter((name) => !wishes[name]?.test(script));
}

/** Variables by which somebody may have meant something for their jobs, and which count for nothing. */
export function ignoredWishes(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.keys(environment)
    .filter((name) => (name.startsWith("SBATCH_") && !Object.hasOwn(wishes, name)) || name === "SLURM_CLUSTERS")
    .sort();
}

/** For bash: unsets those variables, but for those that are kept. */
export function forgetVariables(kept: readonly string[] = []): string {
  const names = prefixes.map((prefix) => `"\${!${prefix}@}"`).join(" ");
  const keeping = [...ofTheSite, ...kept].join(" | ");
  return `for name in ${names}; do case $name in ${keeping}) ;; *) unset "$name" ;; esac; done`;
}

/** For bash, in a job: what login files have made of the variables is undone. What Slurm set for the job is as it was. */
export const restoreVariables = [
  forgetVariables(),
  `while IFS= read -r -d '' variable; do [[ $variable != SLURM_* ]] || export "$variable"; done </proc/$$/environ`,
];
