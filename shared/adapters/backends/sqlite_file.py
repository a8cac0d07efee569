"""One SQLite file, shared by the tasks of this process and by other processes."""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiosqlite
import stamina

from shared.domain.wording.errors import ErrorText
from shared.errors import ConfigurationError, Service, TransientError

# WAL lets other processes read while one writes. secure_delete zeroes deleted content: bodies of messages hold personal
# data. For the same reason, temporary tables are in memory. `synchronous` stays FULL: committed messages survive
# a power cut.
_PRAGMAS = """
PRAGMA busy_timeout = 10000;
PRAGMA journal_mode = WAL;
PRAGMA secure_delete = ON;
PRAGMA temp_store = MEMORY;
"""

# Primary result codes (https://www.sqlite.org/rescode.html) that pass by themselves, and those that an administrator
# must cure. Any other code is a mistake in the SQL; its error is not translated.
_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM}
_LASTING = {
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}


_LOOK_SECONDS = 0.05
"""The interval at which a waiting task looks whether another process has written."""


class SqliteFile:
    """Opens the file at first use, creates the schema, and lends its one connection to one task at a time."""

    def __init__(self, path: Path, *, schema: str, service: Service) -> None:
        """Take a `schema` script that may run again and again, and the `service` to name in errors."""
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._schema = schema
        self._service = service
        self._turn = asyncio.Lock()
        self._opening: asyncio.Task[aiosqlite.Connection] | None = None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[aiosqlite.Connection]:
        """Lend the connection for one SELECT, outside a transaction."""
        with self._translated():
            async with self._turn:
                yield await self._opened()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[aiosqlite.Connection]:
        """Lend the connection inside one transaction that commits at the end, or rolls back if the block raises."""
        with self._translated():
            async with self._turn:
                connection = await self._opened()
                try:
                    # IMMEDIATE takes the write lock now, when waiting for another process is safe. Upgrading a read
                    # lock later fails at once if another process wrote meanwhile.
                    await connection.execute("BEGIN IMMEDIATE")
                    yield connection
                    await connection.commit()
                except BaseException:  # also a cancellation: the connection must not stay inside a transaction
                    await connection.rollback()
                    raise

    def mark(self) -> tuple[int, int]:
        """Return what the write-ahead log looks like; a write changes it, also one of another process."""
        try:
            facts = self._log.stat()
        except FileNotFoundError:
            return 0, 0
        return facts.st_mtime_ns, facts.st_size

    async def changed(self, mark: tuple[int, int], event: asyncio.Event, *, seconds: float) -> None:
        """Wait for a write since `mark`, for an event, or for the end of the time: whichever comes first.

        A write in the same moment as another one may be overlooked.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self.mark() == mark and (remaining := deadline - loop.time()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(remaining, _LOOK_SECONDS)):
                    await event.wait()
                    return

    async def fold(self) -> bool:
        """Move the write-ahead log into the file, which erases deleted content.

        False if another process prevented it.
        """
        async with self.reading() as connection:
            [(was_hindered, _, _)] = await connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            return not was_hindered

    async def rebuild(self) -> None:
        """Rewrite the file: rebalancing pages can leave bytes of deleted rows in unused places."""
        with self._translated():
            async with self._turn:
                await (await self._opened()).execute("VACUUM")

    async def close(self) -> None:
        """Move the write-ahead log into the file and close it."""
        async with self._turn:
            if self._opening is None:
                return
            opening, self._opening = self._opening, None
            connection = await opening
            try:
                await connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                await connection.close()

    async def _opened(self) -> aiosqlite.Connection:
        # Opening is a separate task: a cancelled caller must not leave a half-open connection.
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        try:
            return await asyncio.shield(self._opening)
        except (OSError, sqlite3.Error):
            self._opening = None
            raise

    async def _open(self) -> aiosqlite.Connection:
        self._prepare()
        connection = await aiosqlite.connect(self._path, isolation_level=None)
        try:
            # Despite busy_timeout, the first switch to WAL fails at once while another process opens the file.
            async for attempt in stamina.retry_context(
                on=_is_passing, attempts=None, timeout=10.0, wait_initial=0.01, wait_max=0.1, wait_jitter=0.02
            ):
                with attempt:
                    await connection.executescript(_PRAGMAS + self._schema)
        except BaseException:
            await connection.close()
            raise
        return connection

    def _prepare(self) -> None:
        """Create the file, or raise OSError: a failed connect would leave the library's thread running."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)  # SQLite gives its side files the same mode
        if not (self._path.is_file() and os.access(self._path, os.R_OK | os.W_OK)):
            raise PermissionError("not a file that may be written")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ConfigurationError(
                ErrorText.FILE_UNOPENED(), service=self._service, code=type(error).__name__
            ) from error
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "")
            if _is_passing(error):
                raise TransientError(ErrorText.FILE_BUSY(), service=self._service, code=name) from error
            if _primary_code(error) in _LASTING:
                raise ConfigurationError(ErrorText.FILE_UNUSABLE(), service=self._service, code=name) from error
            raise


def _primary_code(error: Exception) -> int:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)  # misuse of the module itself has none
    return code & 0xFF


def _is_passing(error: Exception) -> bool:
    return _primary_code(error) in _PASSING
