"""What a program prints, kept within a bound: the beginning, the end, and its program-log lines from in between."""

PROGRAM_LOG = b"GOME "
HEAD, TAIL, BETWEEN = 16_384, 32_768, 16_384  # bytes
_LINE = 4096


class LogBuffer:
    """Takes in bytes of any amount and keeps at most 64 kB of them.

    Of what is cut from the middle, lines that start with 'GOME ' stay (see program_log), up to 16 kB.
    """

    def __init__(self) -> None:
        self.size = 0
        self._head, self._tail, self._between = bytearray(), bytearray(), bytearray()
        self._line = bytearray()  # the unfinished line that leaves the tail, its first bytes
        self._cut = 0

    def feed(self, data: bytes) -> None:
        """Take in what came next."""
        self.size += len(data)
        room = HEAD - len(self._head)
        self._head += data[:room] if room > 0 else b""
        self._tail += data[max(room, 0) :]
        if (extra := len(self._tail) - TAIL) > 0:
            self._drop(bytes(self._tail[:extra]))
            del self._tail[:extra]

    def text(self) -> str:
        """All that is kept, as text; what is no UTF-8 is replaced."""
        if not self._cut:
            return (self._head + self._tail).decode(errors="replace")
        cut = f"\n[gome] {self._cut} bytes cut out\n".encode()
        kept = bytes(self._head) + cut + self._between + self._whole_line_first() + self._tail
        return kept.decode(errors="replace")

    def _drop(self, data: bytes) -> None:
        if not self._cut:  # a line that the head cuts in two
            self._line += self._head[self._head.rfind(b"\n") + 1 :]
        self._cut += len(data)
        *ended, rest = data.split(b"\n")
        for line in ended:
            self._keep(bytes(self._line) + line)
            self._line.clear()
        if len(self._line) < _LINE:
            self._line += rest[:_LINE]

    def _keep(self, line: bytes) -> None:
        if line.startswith(PROGRAM_LOG) and len(line) < _LINE and len(self._between) + len(line) < BETWEEN:
            self._between += line + b"\n"

    def _whole_line_first(self) -> bytes:
        """The lost beginning of the tail's first line, where that is a program-log line."""
        return bytes(self._line) if self._line.startswith(PROGRAM_LOG) and len(self._line) < _LINE else b""
