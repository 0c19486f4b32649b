import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Does at a login what people's files do that no program of ours may mind. */
const rude = `
echo "Welcome to the cluster"; echo "Quota: 93 %" >&2
printf 'without an end of line'
read -r answer; read -r another </dev/tty
exec 3>/dev/null 4>/dev/null
cd /
export SLURM_JOB_ID=77 SLURM_NTASKS=1 SLURM_STEP_ID=0 SLURM_CLUSTERS=other SQUEUE_FORMAT=%i SBATCH_PARTITION=none
export LC_ALL=xx_YY.UTF-8 BASH_ENV=$HOME/.bash_env CDPATH=/tmp
export PYTHONPATH=/nonexistent PYTHONHOME=/nonexistent PYTHONSTARTUP=/nonexistent PYTHONSAFEPATH=1 PYTHONOPTIMIZE=2
export PYTHONUNBUFFERED=1 PYTHONINSPECT=1 PYTHONWARNINGS=error PYTHONVERBOSE=1
cd() { builtin cd "$@" && ls; false; }
(while [ -e "$HOME/.bash_profile" ]; do sleep 1; done) &
set -efC -o pipefail
shopt -s failglob
IFS=:
trap 'echo Goodbye; echo "See you" >&2' EXIT
`;

/** What a login does after all that. */
const endings = {
  "goes on": "set -u\n",
  "becomes fish": "exec fish -l\n",
  "becomes a bash that reads its input": "exec bash --noprofile\n",
  "ends the shell": "exit 3\n",
  "stumbles over its own options": "false\n",
} as const;

export const rudeLogins = Object.keys(endings) as (keyof typeof endings)[];

/** Gives a home directory the login files of a person whose login is such. */
export async function writeRudeLogin(home: string, ending: keyof typeof endings): Promise<void> {
  await mkdir(join(home, ".config/fish"), { recursive: true });
  await writeFile(join(home, ".bash_profile"), rude + endings[ending]);
  await writeFile(join(home, ".bash_env"), "echo Greetings from BASH_ENV; echo and trouble >&2\n");
  await writeFile(join(home, ".config/fish/config.fish"), "echo Welcome to fish\necho trouble >&2\n");
}
