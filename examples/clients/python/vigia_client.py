"""A client of Vigía that needs Python 3.9 or newer and nothing else.

Everything here may be sent again: a transaction is decided on once, however often it comes.
"""

import http.client
import json
import random
import threading
import time
import urllib.parse
from collections import deque
from typing import Any, Dict, Iterable, Iterator, List, Optional

Json = Dict[str, Any]

# Too many requests of this key; more than the server can answer, it starts or ends, its log or store is away; a proxy without it.
TRANSIENT = {408, 429, 502, 503, 504}
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 5.0


class VigiaError(Exception):
    """What the server refused; `code` is for programs (docs/errors.md), `fix` for people."""

    def __init__(self, status: int, error: Json, retry_after_s: Optional[float]):
        super().__init__(f"{status} {error.get('code', '')}: {error.get('message', '')}")
        self.status = status
        self.code = error.get("code", "")
        self.fix = error.get("fix", "")
        # Seconds after which the server would take it; None when it did not say.
        self.retry_after_s = retry_after_s


class VigiaClient:
    """Use it from one thread.

    url: `http://127.0.0.1:8000`
    patience_s: for how long a request is tried again before its error is raised, seconds
    timeout_s: after so long without an answer a try has failed, seconds
    """

    def __init__(self, url: str, key: Optional[str] = None, patience_s: float = 30, timeout_s: float = 10):
        self._url = urllib.parse.urlsplit(url)
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._patience_s = patience_s
        self._timeout_s = timeout_s

    def sample_transaction(self) -> Json:
        return self._ask("GET", "/sample-transaction")

    def predict(self, transaction: Json, reasons: int = 0) -> Json:
        return self._ask("POST", f"/predict?reasons={reasons}", transaction)

    def give_feedback(self, labels: List[Json]) -> Json:
        return self._ask("POST", "/feedback", {"labels": labels})

    def get_prediction(self, name: str) -> Json:
        """name: a prediction id or a transaction id."""
        return self._ask("GET", "/predictions/" + urllib.parse.quote(name, safe=""))

    def predict_lines(self, transactions: Iterable[Json]) -> Iterator[Json]:
        """Decides on any number of transactions.

        Answers come in their order while further ones are sent, also when the connection breaks.
        """
        unanswered = _Unanswered(transactions)
        patience = _Patience(self._patience_s)
        while not unanswered.is_done():
            try:
                for row in self._stream(unanswered):
                    unanswered.answered()
                    patience = _Patience(self._patience_s)
                    yield row
                unanswered.raise_failure()
                if not unanswered.is_done():
                    raise ConnectionError("the answers ended before the transactions")
            except (VigiaError, OSError, http.client.HTTPException) as error:
                unanswered.raise_failure()
                # A connection may end because there was nothing to send for long.
                if not unanswered.is_waiting():
                    patience = _Patience(self._patience_s)
                patience.wait(error)

    def _ask(self, method: str, path: str, body: Optional[Json] = None) -> Json:
        patience = _Patience(self._patience_s)
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        while True:
            connection = self._connect()
            try:
                text = None if body is None else json.dumps(body).encode()
                connection.request(method, self._url.path.rstrip("/") + path, text, headers)
                response = connection.getresponse()
                if response.status >= 400:
                    raise _error_of(response)
                return json.loads(response.read())
            except (VigiaError, OSError, http.client.HTTPException) as error:
                patience.wait(error)
            finally:
                connection.close()

    def _stream(self, unanswered: "_Unanswered") -> Iterator[Json]:
        """One request: a thread of its own sends, so that answers are read meanwhile."""
        connection = self._connect()
        sender = None
        try:
            connection.putrequest("POST", self._url.path.rstrip("/") + "/predict/batch")
            headers = {**self._headers, "Content-Type": "application/x-ndjson", "Transfer-Encoding": "chunked"}
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            sender = threading.Thread(target=_send_lines, args=(connection.sock, unanswered), daemon=True)
            sender.start()
            response = connection.getresponse()
            if response.status >= 400:
                raise _error_of(response)
            for line in response:
                # A last line without its end is no answer.
                if line.endswith(b"\n"):
                    yield json.loads(line)
        finally:
            unanswered.stop()
            connection.close()
            if sender is not None:
                sender.join()

    def _connect(self) -> http.client.HTTPConnection:
        is_tls = self._url.scheme == "https"
        kind = http.client.HTTPSConnection if is_tls else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=self._timeout_s)
        connection.connect()
        return connection


class _Patience:
    """Pauses double, each is a random part of that so that clients do not come back together, and none is shorter than the server asks for."""

    def __init__(self, patience_s: float):
        self._end = time.monotonic() + patience_s
        self._pause_s = FIRST_PAUSE_S

    def wait(self, error: Exception) -> None:
        """Waits before the next try; raises `error` when trying again would not help, or not soon enough."""
        if isinstance(error, VigiaError) and error.status not in TRANSIENT:
            raise error
        asked_s = (error.retry_after_s or 0) if isinstance(error, VigiaError) else 0
        next_s = asked_s + self._pause_s * random.uniform(0.5, 1)
        if time.monotonic() + next_s > self._end:
            raise error
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
        time.sleep(next_s)


class _Unanswered:
    """Transactions from the first without an answer on: after a break they are sent again, and those decided on get the same decision."""

    def __init__(self, transactions: Iterable[Json]):
        self._source = iter(transactions)
        self._lock = threading.Lock()
        self._waiting = deque()
        self._answered = 0
        self._is_exhausted = False
        self._is_stopped = False
        self._failure: Optional[Exception] = None

    def is_done(self) -> bool:
        with self._lock:
            return self._is_exhausted and not self._waiting

    def is_waiting(self) -> bool:
        with self._lock:
            return len(self._waiting) > 0

    def answered(self) -> None:
        with self._lock:
            self._waiting.popleft()
            self._answered += 1

    def stop(self) -> None:
        self._is_stopped = True

    def raise_failure(self) -> None:
        """Of whoever gives the transactions."""
        if self._failure is not None:
            raise self._failure

    def lines(self) -> Iterator[bytes]:
        self._is_stopped = False
        position = self._answered
        while not self._is_stopped:
            with self._lock:
                at = position - self._answered
                transaction = self._waiting[at] if at < len(self._waiting) else None
                is_exhausted = self._is_exhausted
            if transaction is None:
                if is_exhausted or not self._pull():
                    return
                continue
            yield json.dumps(transaction).encode() + b"\n"
            position += 1

    def _pull(self) -> bool:
        try:
            transaction = next(self._source)
        except StopIteration:
            with self._lock:
                self._is_exhausted = True
            return False
        except Exception as failure:
            self._failure = failure
            return False
        with self._lock:
            self._waiting.append(transaction)
        return True


def _send_lines(socket: Any, unanswered: _Unanswered) -> None:
    try:
        for line in unanswered.lines():
            socket.sendall(b"%x\r\n%b\r\n" % (len(line), line))
        socket.sendall(b"0\r\n\r\n")
    except OSError:
        # Whoever reads the answers finds the connection ended.
        pass


def _error_of(response: http.client.HTTPResponse) -> VigiaError:
    """Of an answer that is no decision, also one that a proxy gave."""
    try:
        error = json.loads(response.read())["error"]
    except (ValueError, KeyError, TypeError):
        error = {"message": response.reason}
    retry_after = response.getheader("Retry-After")
    is_number = retry_after is not None and retry_after.isdigit()
    return VigiaError(response.status, error, float(retry_after) if is_number else None)
