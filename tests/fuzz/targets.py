"""What reads bytes that somebody else wrote, and what has to hold whatever they are: one target for each reader.

A target that raises anything but what its reader promises has found something, and so has one that takes more of the
processor's time than its input's size allows.
"""

from tests.fuzz.model_targets import MODEL_TARGETS
from tests.fuzz.program_targets import PROGRAM_TARGETS
from tests.fuzz.task_targets import TASK_TARGETS

TARGETS = (*MODEL_TARGETS, *PROGRAM_TARGETS, *TASK_TARGETS)
