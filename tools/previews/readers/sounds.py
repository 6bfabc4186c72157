"""Sounds."""

from pathlib import Path

from gome.tools.previews.readers.seen import Lacking, Seen, library


def read(path: Path) -> Seen:
    """Sample rate, length, channels and the encoding of samples, without decoding it."""
    try:
        about = library("soundfile").info(str(path))
    except Lacking:
        if path.suffix.lower() != ".wav":
            raise
        rate, data = library("scipy.io.wavfile").read(path, mmap=True)
        return _seen(rate, len(data) / rate, 1 if data.ndim == 1 else data.shape[1], str(data.dtype))
    return _seen(about.samplerate, about.duration, about.channels, about.subtype)


def _seen(rate: int, seconds: float, channels: int, encoding: str) -> Seen:
    return Seen(
        "sound",
        {"Hz": int(rate), "seconds": float(seconds), "channels": int(channels), "encoding": encoding},
    )
