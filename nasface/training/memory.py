"""Memory that a step frees is kept for the next one, instead of going back to the system."""

from __future__ import annotations

import ctypes
import logging
import sys

logger = logging.getLogger(__name__)

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
"""Parameters of glibc's `mallopt`."""


def keep_freed_memory() -> bool:
    """Tell glibc's allocator to keep up to 2 GB of freed memory; elsewhere nothing happens and False is returned.

    By default every activation above 32 MB is mapped from the system and given back a moment later, and the system
    clears its pages anew every time: about a third of a training step's processor time on a CPU.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    values = {_MMAP_THRESHOLD: 1 << 30, _TRIM_THRESHOLD: (1 << 31) - 1, _TOP_PAD: 64 << 20}
    answers = [mallopt(parameter, value) for parameter, value in values.items()]
    done = answers == [1, 1, 1]
    if not done:
        logger.info("the C library does not keep freed memory; training steps take longer")
    return done
