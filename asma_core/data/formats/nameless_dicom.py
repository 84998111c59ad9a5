"""A DICOM file without what it says of a person: only what its picture is read by is kept.

Instead of a list of what to remove (DICOM PS3.15, annex E, has hundreds of elements) there is one
of what stays: the picture, how its values are meant, and where it lies in the body. What is written
into the pixels themselves stays there.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from asma_core.data.formats.dicom import HEAD, header_of, is_dicom
from asma_core.data.formats.opening import DAMAGE, decoding
from asma_core.errors import InputError
from asma_core.files import write_bytes

# All of it describes the picture: sizes, greys, colours, windows.
_PICTURE: Final = 0x0028
_KEPT: Final = frozenset(
    (
        "PixelData",
        "InstanceNumber",
        "SeriesInstanceUID",
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "SliceThickness",
        "SpacingBetweenSlices",
        "SharedFunctionalGroupsSequence",
        "PerFrameFunctionalGroupsSequence",
        "PlanePositionSequence",
        "PlaneOrientationSequence",
    )
)
# Kinds of elements that hold words, names, days or times.
_WORDS: Final = frozenset(
    ("AE", "AS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UN", "UR", "UT")
)
# Told apart by them, but of the hospital's making.
_IDENTITIES: Final = frozenset(("SeriesInstanceUID",))
_ROOT: Final = "2.25."


def without_person(data: bytes, label: str) -> bytes:
    """Return a DICOM file with its picture and what that is read by, and nothing else.

    Args:
        data: The file.
        label: What a person calls it.

    Raises:
        InputError: It can't be read, or not be written again.
    """
    with decoding(label):
        header = header_of(data, label)
    try:
        _strip(header)
        _rename(header)
        kept = io.BytesIO()
        header.save_as(kept, enforce_file_format=True)
    except DAMAGE as error:
        raise InputError(
            f"{label} can't be kept without what it says of a person ({type(error).__name__}); "
            "convert it to PNG, TIFF or NIfTI first"
        ) from error
    return kept.getvalue()


def write_nameless(path: Path, data: bytes) -> None:
    """Write a file of somebody's; of a DICOM file nothing is ever written but what is kept of it.

    Raises:
        InputError: It is a DICOM file that can't be written without the person.
        StoreError: The folder can't be written.
    """
    write_bytes(path, without_person(data, path.name) if is_dicom(data[:HEAD]) else data)


def _strip(elements: Any) -> None:
    for element in list(_known(elements)):
        if not _is_kept(element):
            del elements[element.tag]
        elif element.VR == "SQ":
            for item in element.value:
                _strip(item)


def _known(elements: Any) -> Iterable[Any]:
    # Only the keys are read: an element of no known kind must not be parsed to be thrown away.
    for tag in list(elements.keys()):
        if tag.is_private or (tag.group != _PICTURE and _keyword(tag) not in _KEPT):
            del elements[tag]
        else:
            yield elements[tag]


def _is_kept(element: Any) -> bool:
    return element.VR not in _WORDS


def _keyword(tag: Any) -> str:
    from pydicom.datadict import keyword_for_tag

    return keyword_for_tag(tag)


def _rename(header: Any) -> None:
    """Give the file an identity that leads to no hospital, the same for the same series."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID, SecondaryCaptureImageStorage

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = header.file_meta.TransferSyntaxUID
    meta.MediaStorageSOPClassUID = header.SOPClassUID = SecondaryCaptureImageStorage
    for name in _IDENTITIES:
        if name in header:
            setattr(header, name, _identity(str(header[name].value)))
    digest = hashlib.sha256(bytes(header.PixelData)).hexdigest()
    meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID = UID(_identity(digest))
    header.file_meta = meta
    header.preamble = bytes(128)


def _identity(text: str) -> str:
    """Return an identity that is made of a text, and from which it can't be told."""
    return _ROOT + str(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))
