"""Calls functions: one id, one time limit and two lines of log per call."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import azure.functions as func

from shared.local.functions_host.index import CONTEXT, IndexedFunction

_LOG = logging.getLogger(__name__)
_THREAD_STORAGE = threading.local()


class InvocationContext(func.Context):
    """The argument `context` of a function. Tracing and retries are not supported."""

    def __init__(self, function: IndexedFunction, invocation_id: str) -> None:
        self._function = function
        self._invocation_id = invocation_id

    @property
    def invocation_id(self) -> str:
        """The id of the invocation in the log."""
        return self._invocation_id

    @property
    def function_name(self) -> str:
        """The name of the function in the log."""
        return self._function.name

    @property
    def function_directory(self) -> str:
        """The folder of the function's module."""
        return self._function.directory

    @property
    def thread_local_storage(self) -> Any:
        """Storage in which functions with threads of their own pass on the invocation id."""
        return _THREAD_STORAGE

    @property
    def trace_context(self) -> Any:
        """None: no distributed trace."""
        return None

    @property
    def retry_context(self) -> Any:
        """None: the queue redelivers failed messages."""
        return None


def name_of(error: BaseException) -> str:
    """Return the class name of an exception, which is safe to log for every exception."""
    return type(error).__name__


@dataclass(frozen=True, slots=True)
class Invoker:
    """Calls functions. `timeout` is host.json's functionTimeout; None means no limit.

    `describe` returns what may be logged of an exception: its text may quote a person's data.
    """

    timeout: timedelta | None
    describe: Callable[[BaseException], str] = name_of

    async def invoke(self, function: IndexedFunction, argument: object) -> Any:
        """Call `function` and return its result. Its exception is logged and raised again; TimeoutError if it is late.

        The log contains the description and the place of the exception, never its text: that may quote a person's data.
        """
        invocation_id = str(uuid4())
        arguments: dict[str, object] = {function.trigger.parameter: argument}
        if function.wants_context:
            arguments[CONTEXT] = InvocationContext(function, invocation_id)
        started = time.monotonic()
        _LOG.debug("%s started (invocation %s)", function.name, invocation_id)
        try:
            async with asyncio.timeout(self.timeout.total_seconds() if self.timeout else None):
                result = await self._call(function, arguments)
        except Exception as error:
            _LOG.error(  # not exception(), which would print the text
                "%s failed after %d ms (invocation %s): %s\n%s",
                function.name,
                _milliseconds_since(started),
                invocation_id,
                self.describe(error),
                "".join(traceback.format_tb(error.__traceback__)).rstrip(),
            )
            raise
        _LOG.info("%s done in %d ms (invocation %s)", function.name, _milliseconds_since(started), invocation_id)
        return result

    @staticmethod
    async def _call(function: IndexedFunction, arguments: dict[str, object]) -> Any:
        if function.is_async:
            return await function.call(**arguments)
        return await asyncio.to_thread(function.call, **arguments)


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
