/** What resource managers and launchers tell the processes that they start: by it an MPI library takes itself for one of theirs. */
export const managerPrefixes = [
  ...["SLURM_", "SLURMD_", "SBATCH_", "SALLOC_", "SRUN_", "PBS_", "LSB_", "LS_", "SGE_", "COBALT_", "OAR_", "PALS_"],
  ...[
    "PMI_",
    "PMIX_",
    "PRTE_",
    "HYDI_",
    "MPI_LOCAL",
    "MPIEXEC_",
    "OMPI_COMM_WORLD_",
    "OMPI_UNIVERSE_",
    "OMPI_APP_CTX_",
  ],
  ...["OMPI_NUM_APP_", "OMPI_FIRST_", "OMPI_FILE_", "OMPI_COMMAND", "OMPI_ARGV", "OMPI_MCA_ess", "OMPI_MCA_orte"],
  "OMPI_MCA_pmix",
] as const;

/** Of Grid Engine, which has no prefix for them. */
export const managerNames = [
  "JOB_ID",
  "JOB_NAME",
  "JOB_SCRIPT",
  "PE_HOSTFILE",
  "NSLOTS",
  "NHOSTS",
  "NQUEUES",
  "QUEUE",
  "ARC",
];

/** Where a manager is: a learner's function may ask it something. */
const ofTheSite = [
  ...[
    "SLURM_CONF",
    "SLURM_CONF_SERVER",
    "SLURM_JWT",
    "PBS_CONF_FILE",
    "PBS_EXEC",
    "PBS_HOME",
    "PBS_SERVER",
    "PBS_DEFAULT",
  ],
  ...["SGE_ROOT", "SGE_CELL", "SGE_CLUSTER_NAME", "SGE_QMASTER_PORT", "SGE_EXECD_PORT"],
];

/** For bash: a job of this machine is in nobody's allocation, whatever its scheduler was started in. */
export const forgetManagers = `for name in ${managerPrefixes.map((prefix) => `"\${!${prefix}@}"`).join(" ")} ${managerNames.join(" ")}; do case $name in ${ofTheSite.join(" | ")}) ;; *) unset "$name" ;; esac; done`;
