"""Processes that have to ask the file system like everybody else, also where tests run as root."""

import ctypes
import os

_PR_CAPBSET_DROP = 24
_MAY_IGNORE_MODES = (1, 2)
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH of Linux."""


def without_privileges() -> None:
    """Give up, for the program that is executed next, what lets root ignore the modes of files.

    Raises:
        OSError: the system does not let go of it.
    """
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in _MAY_IGNORE_MODES:
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
