import { AdaptiveError } from "../state/errors";
import { nearest } from "../state/nearest";
import { commandNames, optionsOf } from "./options";

const head = `Runs studies of adaptive learners as jobs, and keeps them running.

Usage: adaptive-scheduler COMMAND [OPTIONS]`;

/** Each command begins with two blanks; what belongs to it follows, further in. */
const commandsText = `
  run --learners FILE    make or resume the run of a study and serve it until all is done; one that a
                         scheduler serves already is followed
      --cluster NAME       where the jobs run: local, which is this computer, or slurm
      --port N             the port that jobs and editors connect to (default: any free one)
      --json               a JSON object a line instead of the progress bar
      --accept             agree to what became of learners in an edited learners file
      --reopen             continue done learners that miss a goal that was raised
      --stay               go on serving when all is done, until Ctrl-C
      settings, which hold in the run until typed anew or unset, before those of adaptive.json:
      --goal GOAL          when a learner is done: npoints=100, loss=0.01, seconds=600, none
      --cores N            cores that jobs may use together (default: all)
      --max-jobs N         at most so many jobs at a time (default: 100)
      --walltime TIME      how long a job may take, e.g. 4:00:00 (default: any time)
      --python PATH        Python of the jobs, with adaptive, pyzmq, cloudpickle (default: python3)
      --set NAME=VALUE     any setting that config lists, e.g. resources.cores=2
      --unset NAME         what was typed earlier does not hold any more
  init --learners FILE   only make the run (options as for run)
  config [RUN]           every setting, its value and where that comes from; with --learners FILE
                         (options as for run) those of a start; --json
  script [RUN]           the job script that the next start would submit (options as for config)
      --class NAME         of learners of this resource class
  try --learners FILE    evaluate one point of some learners in a job: its value, time and memory, or
                         the traceback; proposes cores and walltime; nothing is saved (options as for run)
      --learner LEARNER    an id or a pattern of file names (repeatable)
  start [RUN]            set a run's jobs going, in the background; also after pause or stop (--accept
                         as for run)
  pause [RUN]            submit no more jobs; those in the queue go on
  set [RUN]              have settings hold from now on, as typed at a start: set --max-jobs 5
  jobs [RUN] [--json]    the jobs in the queue, what they run, and why they wait
  cancel RUN JOB…        have jobs save their learners and end
  shell RUN JOB          a shell in a running job, with its environment or, on Slurm, on its node
  serve [RUN]            serve a run; jobs that are running are found again (--port as for run)
      --detach             in the background; returns when it answers
      --in-job             with --detach: in a small job of the queue, now and whenever this run needs a
                           scheduler, for sites that end what a login leaves running; without it, here
      --fork               of a copied run: make it a run of its own (also with run and init)
      --adopt              of a copied run: go on with it, because the original is gone
  pythons [FOLDER…]      the Pythons here, with their versions of adaptive, pyzmq and mpi4py; first those of
                         environments in these folders (default: this one); --json
  environment [FOLDER]   make a Python environment for jobs (default: .venv), of the Python of --python
      --mpi                with mpi4py and an MPI
      --into               install into an environment that is there
      --wheels FOLDER      with packages from there, where no others can be fetched; --json
  list [--json]          your runs on this machine; --prune forgets those whose folder is gone
  status [RUN] [--json]  how a run stands
  stop [RUN]             save all learners and cancel the jobs; starting again resumes
      --gently             let evaluations that are running finish first
      --shut-down          end the scheduler instead; jobs go on
  update [RUN]           bring a run in line with its edited study; running jobs keep their code
      --accept             agree to learners that go or become others
      --dry-run            only say what would be done (--json)
  retry RUN [LEARNER…]   failed and stopped learners back to waiting; a LEARNER is an id or a
                         pattern of file names, none means all
  stop-learner RUN LEARNER…  save them and take them off their jobs
  reopen RUN [LEARNER…]  done learners back to waiting; their goal is checked anew
  failures [RUN] [LEARNER]   how learners failed; of one, traceback and output (--json)
      --where FILTER       of retry, stop-learner, reopen, failures and try: only learners that match
                           all conditions, e.g. 'offset>0.5 name="it is" state=failed error~Zero'
  delete RUN             move a run that has no jobs to .adaptive-trash in its folder; moving it back
                         restores it, and nothing is ever deleted
      --data               the learners' data files as well
      --yes                without being asked; --dry-run only shows files and bytes (--json)
  results [RUN]          the learners' data files there are (--json); with --pack those that standard
                         input names, one a line, as a stream
  receive FOLDER         takes a study from another computer (--from WHO), as a stream on standard input
  attach [RUN]           JSON-RPC with the run's scheduler over standard input and output;
                         starts the scheduler when none runs, unless --no-start
  help [COMMAND]         this page, or what belongs to one command
  version                the version of this program
`;

const foot = `RUN is the folder of a run (default: this one), for a study on this computer the folder of its
learners file; or the run's name, the beginning of its id, or its state folder: .adaptive, and for
another learners file in the same folder .adaptive-<name of the file>. Ctrl-C during run saves and
stops; the same command resumes.

Exit codes: 0 all done, 1 some learners failed, 2 an error, 130 interrupted.`;

/** Commands whose options are those of a start. */
const asRun = /options as for run|options as for config/;

const examples: Readonly<Record<string, string>> = {
  run: "run --learners _learners.py --cluster local --goal npoints=100",
  init: "init --learners _learners.py --goal loss=0.01",
  config: "config --learners _learners.py --cores 4",
  script: "script --learners _learners.py --cluster slurm",
  try: "try --learners _learners.py --learner 0 --learner 'data/a*'",
  start: "start my-study",
  pause: "pause my-study",
  set: "set my-study --max-jobs 5 --set retries=2",
  jobs: "jobs my-study",
  cancel: "cancel my-study 4711_3 4711_4",
  shell: "shell my-study 4711_3",
  serve: "serve my-study --detach",
  pythons: "pythons ~/environments",
  environment: "environment .venv --mpi",
  list: "list --prune",
  status: "status my-study --json",
  stop: "stop my-study --gently",
  update: "update my-study --dry-run",
  retry: "retry my-study 'data/offset=0.1*'",
  "stop-learner": "stop-learner my-study --where 'offset>0.5'",
  reopen: "reopen my-study 3 4 5",
  failures: "failures my-study 3",
  delete: "delete my-study --data --dry-run",
  results: "results my-study --json",
  receive: "receive my-study --from laptop",
  attach: "attach my-study --no-start",
  help: "help run",
  version: "version",
};

/** Help on everything, for whoever runs this file. */
export function helpOnAll(file: string): string {
  return `${head}\n${commandsText}\n${foot}

Terminals of an editor with the extension know adaptive-scheduler by its name. This one is
  ${file}
a program for Node 18 or newer.`;
}

/**
 * How a command is used, its options and an example.
 *
 * @throws AdaptiveError `usage` for one that there is not
 */
export function helpOn(command: string): string {
  const example = examples[command];
  if (example === undefined) throw unknownCommand(command);
  const section = sectionOf(command);
  const more = asRun.test(section) ? `\n\nOptions as for run:\n${sharedWithRun(command)}` : "";
  return `Usage: adaptive-scheduler ${section.trimStart()}${more}\n\nExample: adaptive-scheduler ${example}`;
}

/** What is said with run of the options that a command has too. */
function sharedWithRun(command: string): string {
  const known = optionsOf(command);
  const [, ...parts] = sectionOf("run").split(/\n(?= {6}\S)/);
  const isShared = (part: string) => {
    const [, name] = /^ {6}--(\S+)/.exec(part) ?? [];
    return name === undefined || known.includes(name);
  };
  return parts.filter(isShared).join("\n");
}

function sectionOf(command: string): string {
  const sections = commandsText.split(/\n(?= {2}[a-z])/);
  return sections.find((section) => section.trimStart().split(/\s/, 1)[0] === command)?.trimEnd() ?? command;
}

export function unknownCommand(command: string): AdaptiveError {
  const meant = nearest(command, commandNames);
  const guess = meant === null ? "." : `; did you mean ${meant}?`;
  return new AdaptiveError("usage", `There is no command ${command}${guess}`, "See adaptive-scheduler --help.");
}
