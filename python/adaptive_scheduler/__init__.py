"""What a job of Adaptive Scheduler imports; importing it loads nothing else."""
