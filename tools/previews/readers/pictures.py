"""Pictures, and stacks of them in TIFF."""

from pathlib import Path

from gome.tools.previews.readers.seen import Fact, Lacking, Seen, library

MOST_PIXELS = 16_000_000
"""Up to which a picture is unpacked for the range of its values."""


def read(path: Path) -> Seen:
    """Size in pixels, mode, frames, and of one band the range of values."""
    if path.suffix.lower() in (".tif", ".tiff"):
        try:
            return _tiff(path)
        except Lacking:
            pass  # Pillow reads the commoner ones
    image = library("PIL.Image")
    image.MAX_IMAGE_PIXELS = None  # sizes are only told; what is unpacked is bounded below
    with image.open(path) as picture:
        width, height = picture.size
        seen = Seen(
            "picture",
            {"format": str(picture.format), "width": width, "height": height, "mode": picture.mode},
        )
        if (frames := getattr(picture, "n_frames", 1)) > 1:
            seen.facts["frames"] = frames
        if len(picture.getbands()) == 1 and picture.mode != "P" and width * height <= MOST_PIXELS:
            seen.facts["lowest value"], seen.facts["highest value"] = picture.getextrema()
    return seen


def _tiff(path: Path) -> Seen:
    with library("tifffile").TiffFile(path) as file:
        series = file.series[0]
        facts: dict[str, Fact] = {
            "shape": " x ".join(map(str, series.shape)),
            "axes": series.axes,
            "dtype": str(series.dtype),
        }
        if (levels := len(series.levels)) > 1:
            facts["levels of size"] = levels
        return Seen("picture or stack of pictures", {"format": "TIFF", **facts})
