"""A script of the study's, `ADAPTIVE_SCRIPT`, which takes the place of this module.

It is read from the revision and seen in the study's folder, as the modules that it imports are.
Processes that it starts come by its functions through the name of this module.
"""

import adaptive_scheduler.revision

exec(adaptive_scheduler.revision.script_for(globals()))
