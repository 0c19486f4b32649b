import { parseProbe, type Probe } from "../../../../src/remote/deploy/probe";

/** What the script printed on Debian 12 (Slurm 22.05.8 installed), with the names of a head node. */
export const debian12 = `-- adaptive probe begins --
adaptive	host	login1
adaptive	home	/home/ada
adaptive	variable	SCRATCH	/scratch/ada
adaptive	environment	PATH	/usr/bin:/bin:/opt/slurm/bin
adaptive	environment	SBATCH_ACCOUNT	physics
adaptive	os	Linux	x86_64
adaptive	libc	glibc	2.36
adaptive	place	/home/ada/.adaptive-scheduler	76675556	
adaptive	bundle	0123456789abcdef
adaptive	node	PATH	/usr/bin/node	20.20.2
adaptive	python	3.11.7 - /home/ada/study/.venv/bin/python	= 3.11.7 - /home/ada/study/.venv/bin/python
adaptive	queue	slurm	slurm-wlm 22.05.8
-- adaptive probe ends --
`;

/** A probe of a head node that has everything, but for what is different. */
export function probeWith(different: Partial<Probe>): Probe {
  return { ...parseProbe(debian12, ""), ...different };
}
