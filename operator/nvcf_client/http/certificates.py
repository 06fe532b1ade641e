"""Which certificate authorities are trusted, read again when their file has changed.

Authorities are rotated while we run: cert-manager and Kubernetes replace the mounted file. Nobody notifies us, but TLS
fails then, and the file is read again.
"""

import os
import ssl
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import httpx

Stamp = tuple[int, int, int]


class TrustProblem(ValueError):  # noqa: N818  the name says what happened
    """The certificates cannot be used; the text names the file and what is wrong with it."""


class Trust:
    """The authorities of one file or folder; without either the well-known ones.

    Args:
        file: PEM file.
        directory: folder of certificates, as OpenSSL names them, in place of a file; several with colons between.
        name: what it is, for messages.

    Attributes:
        context: what TLS connections are made with; another object once the file was read again.

    Raises:
        TrustProblem: it cannot be used.

    """

    def __init__(self, file: str | None, directory: str | None, name: str) -> None:
        self._file = file
        self._directory = directory
        self._name = name
        self._stamp = self._look()
        self.context = self._read()

    def reread(self) -> None:
        """Read the file again if it has changed; what was read before counts as long as there is nothing better.

        Raises:
            TrustProblem: it has changed, and cannot be used now.

        """
        stamp = self._look()
        if stamp != self._stamp:
            self.context, self._stamp = self._read(), stamp

    def _look(self) -> Stamp | None:
        try:
            found = Path(self._file).stat() if self._file is not None else None
        except OSError as error:
            raise self._problem(error.strerror or "it cannot be read") from None
        return None if found is None else (found.st_ino, found.st_mtime_ns, found.st_size)

    def _read(self) -> ssl.SSLContext:
        if self._directory is not None and not any(Path(each).is_dir() for each in self._directory.split(os.pathsep)):
            raise self._problem("there is no such folder")
        if self._file is None and self._directory is None:
            return httpx.create_ssl_context(trust_env=False)
        try:
            return ssl.create_default_context(cafile=self._file, capath=self._directory)
        except ssl.SSLError:
            raise self._problem("it contains no usable certificates in PEM format") from None
        except OSError as error:
            raise self._problem(error.strerror or "it cannot be read") from None

    def _problem(self, what: str) -> TrustProblem:
        return TrustProblem(f"{self._name} cannot be used: {what}")


def trust(ca_file: str | None, *, trust_env: bool) -> Trust:
    """The authorities of a file; else those that `SSL_CERT_FILE` or `SSL_CERT_DIR` names; else the usual ones.

    All who ask for the same get the same object: reading the certificates takes longer than a call. Once they could be
    used, asking for them does not fail any more.

    Raises:
        TrustProblem: they cannot be used.

    """
    file = directory = None
    if ca_file is None and trust_env:
        file = os.environ.get("SSL_CERT_FILE") or None
        directory = os.environ.get("SSL_CERT_DIR") or None if file is None else None
    known = _shared(ca_file, file, directory)
    with suppress(TrustProblem):
        known.reread()
    return known


@lru_cache(maxsize=16)
def _shared(ca_file: str | None, file: str | None, directory: str | None) -> Trust:
    if ca_file is not None:
        return Trust(ca_file, None, f"the CA bundle {ca_file}")
    if file is not None:
        return Trust(file, None, f"the file of certificates {file}, named by the variable SSL_CERT_FILE,")
    if directory is not None:
        return Trust(None, directory, f"the folder of certificates {directory}, named by the variable SSL_CERT_DIR,")
    return Trust(None, None, "the list of well-known authorities")
