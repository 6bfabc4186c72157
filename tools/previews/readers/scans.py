"""Medical files: DICOM by its tags, NIfTI volumes by their header."""

import gzip
import struct
from pathlib import Path

from gome.tools.previews.readers.seen import Fact, Seen, library

TAGS = (
    "Modality",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "PhotometricInterpretation",
    "BitsStored",
    "PixelSpacing",
    "SliceThickness",
    "BodyPartExamined",
    "ViewPosition",
    "Laterality",
    "RescaleSlope",
    "RescaleIntercept",
)
_NIFTI_TYPES = {
    2: "uint8", 4: "int16", 8: "int32", 16: "float32", 64: "float64", 256: "int8", 512: "uint16", 768: "uint32",
}  # fmt: skip


def read_dicom(path: Path) -> Seen:
    """The tags that say what a picture is, how its pixels are packed, and the names of the others."""
    data = library("pydicom").dcmread(path, stop_before_pixels=True)
    facts: dict[str, Fact] = {"transfer syntax": str(data.file_meta.TransferSyntaxUID.name)}
    for tag in TAGS:
        if (value := data.get(tag)) is not None:
            facts[tag] = value if isinstance(value, int) else str(value)
    facts["other tags"] = [e.keyword for e in data if e.keyword and e.keyword not in TAGS]
    return Seen("DICOM", facts)


def read_nifti(path: Path) -> Seen:
    """Shape, type and voxel size, from the header of NIfTI-1 (348 bytes; https://nifti.nimh.nih.gov/nifti-1)."""
    with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as file:
        head = file.read(348)
    order = "<" if struct.unpack("<i", head[:4])[0] == 348 else ">"
    dims = struct.unpack(f"{order}8h", head[40:56])
    (code,) = struct.unpack(f"{order}h", head[70:72])
    sizes = struct.unpack(f"{order}8f", head[76:108])
    count = dims[0]
    return Seen(
        "NIfTI volume",
        {
            "shape": " x ".join(map(str, dims[1 : 1 + count])),
            "dtype": _NIFTI_TYPES.get(code, f"type {code}"),
            "voxel": " x ".join(f"{size:.4g}" for size in sizes[1 : 1 + min(count, 3)]),
        },
    )
