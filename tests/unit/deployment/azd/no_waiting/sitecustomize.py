"""On the path of a process, it makes waiting take no time."""

import time


def _at_once(_seconds: float) -> None:
    pass


time.sleep = _at_once
