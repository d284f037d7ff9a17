"""Keeps a file to one writer at a time, until it lets go or its process dies."""

import os
from contextlib import suppress
from pathlib import Path

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # Windows
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]

else:

    def _try_lock(descriptor: int) -> None:
        flock(descriptor, LOCK_EX | LOCK_NB)


class Lock:
    """A lock, held from the beginning, that is a file as long as somebody holds it.

    The system lets go for a process that dies, even by ``kill -9``: the empty file that
    it leaves keeps nobody away.  On a file system without locks there is no protection.

    Parameters
    ----------
    path : Path
        The file, which nothing else may use.

    Raises
    ------
    OSError
        When the file cannot be opened; a BlockingIOError when another process, or
        another ``Lock`` of this one, holds the lock.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "lock")
    >>> lock = Lock(path)
    >>> Lock(path)
    Traceback (most recent call last):
    BlockingIOError: ...
    >>> lock.release()
    >>> path.exists()
    False
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        while True:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                if self._is_mine():
                    return
            except BaseException:
                os.close(self._descriptor)
                raise
            os.close(self._descriptor)

    def _is_mine(self) -> bool:
        """Whether it is locked now; False if the file has been removed meanwhile."""
        try:
            _try_lock(self._descriptor)
        except (BlockingIOError, PermissionError) as error:  # the latter on Windows
            raise BlockingIOError(*error.args) from None
        except OSError:  # no locks here
            return True
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(self._descriptor), self.path.stat())
        return False

    def release(self) -> None:
        """Let go, and remove the file."""
        if os.name == "nt":  # which removes no open file
            os.close(self._descriptor)
            with suppress(OSError):
                self.path.unlink()
        else:
            with suppress(OSError):
                self.path.unlink()
            os.close(self._descriptor)
