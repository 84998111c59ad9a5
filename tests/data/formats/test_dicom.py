"""DICOM as it comes: windows of every kind, padding, compressions, no preamble, damage."""

from __future__ import annotations

import io
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless

from asma_core.data.formats import dicom_decoding
from asma_core.data.formats.dicom import is_dicom
from asma_core.data.formats.images import read_image, read_picture, read_values
from asma_core.data.formats.slices import Slice
from asma_core.data.formats.windows import OWN, PERCENTILE, RANGE, Window
from asma_core.errors import InputError
from tests.data.formats.compressed import jpeg_2000, jpeg_lossless, jpeg_ls, with_stream
from tests.data.formats.test_volumes import RAMP, dicom

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases" / "dcm"
HU = np.random.default_rng(5).integers(-900, 1200, (40, 48)).astype(np.int16)
WINDOW = {"WindowCenter": "40", "WindowWidth": "400"}


def edited(data: bytes, **changed: object) -> bytes:
    header = pydicom.dcmread(io.BytesIO(data))
    for name, value in changed.items():
        setattr(header, name, value)
    buffer = io.BytesIO()
    header.save_as(buffer)
    return buffer.getvalue()


def test_the_three_functions_of_a_window() -> None:
    values = HU.astype(np.float64)
    expected = {
        "LINEAR": np.clip((values - 39.5) / 399 + 0.5, 0, 1),
        "LINEAR_EXACT": np.clip((values - 40) / 400 + 0.5, 0, 1),
        "SIGMOID": 1 / (1 + np.exp(-4 * (values - 40) / 400)),
    }
    for function, greys in expected.items():
        image = read_image(dicom(HU, VOILUTFunction=function, **WINDOW))
        assert np.abs(image[0] - greys).max() < 1e-5, function
        turned = read_image(dicom(HU, "MONOCHROME1", VOILUTFunction=function, **WINDOW))
        assert np.abs(turned[0] - (1 - greys)).max() < 1e-5, function


def test_a_window_of_width_1_is_a_step() -> None:
    image = read_image(dicom(HU, WindowCenter="40", WindowWidth="1"))
    assert np.array_equal(image[0], (HU > 39.5).astype(np.float32))


@pytest.mark.parametrize("width", ["0", "-5", "0.5"])
def test_a_width_that_can_not_be_is_no_window(width: str) -> None:
    picture = read_picture(dicom(HU, WindowCenter="40", WindowWidth=width))
    assert picture.window is not None and picture.window.how == PERCENTILE


def test_a_table_for_the_values_of_interest() -> None:
    item = Dataset()
    item.LUTDescriptor = [4096, 0, 16]
    table = np.minimum(65535, np.arange(4096) ** 2 // 200)
    item.LUTData = table.astype("<u2").tobytes()
    image = read_image(dicom(RAMP, bits=12, VOILUTSequence=Sequence([item])))
    squared = np.minimum(65535, RAMP.astype(np.int64) ** 2 // 200) / 65535
    assert np.abs(image[0] - squared).max() < 1e-5


def test_a_table_for_the_modality() -> None:
    item = Dataset()
    item.LUTDescriptor = [4096, 0, 16]
    item.LUTData = np.arange(10_000, 10_000 + 2 * 4096, 2).astype("<u2").tobytes()
    item.ModalityLUTType = "US"
    data = dicom(
        RAMP, bits=12, ModalityLUTSequence=Sequence([item]), WindowCenter="14000",
        WindowWidth="2000", VOILUTFunction="LINEAR_EXACT",
    )  # fmt: skip
    expected = np.clip((10_000 + 2.0 * RAMP - 13_000) / 2000, 0, 1)
    assert np.abs(read_image(data)[0] - expected).max() < 1e-5


def test_windows_of_single_frames() -> None:
    frames = np.stack([RAMP, RAMP])

    def group(centre: str, slope: str) -> Dataset:
        window, values, item = Dataset(), Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth, window.VOILUTFunction = (
            centre,
            "500",
            "LINEAR_EXACT",
        )
        values.RescaleSlope, values.RescaleIntercept, values.RescaleType = slope, "-100", "US"
        item.FrameVOILUTSequence = Sequence([window])
        item.PixelValueTransformationSequence = Sequence([values])
        return item

    each = Sequence([group("300", "1"), group("900", "2")])
    data = dicom(frames, bits=12, PerFrameFunctionalGroupsSequence=each)
    for frame, (centre, slope) in enumerate(((300, 1), (900, 2))):
        expected = np.clip((RAMP * float(slope) - 100 - centre) / 500 + 0.5, 0, 1)
        assert np.abs(read_image(data, where=Slice(frame))[0] - expected).max() < 1e-5


def test_without_a_window_percentiles_in_the_rescaled_units() -> None:
    picture = read_picture(dicom(HU, RescaleSlope="2", RescaleIntercept="-100"))
    low, high = np.percentile(HU * 2.0 - 100, (0.5, 99.5))
    assert picture.window is not None and picture.window.how == PERCENTILE
    assert (picture.window.low, picture.window.high) == pytest.approx((low, high))


def test_8_bits_without_a_window_are_as_they_are() -> None:
    dim = (RAMP // 64).astype(np.uint8)
    picture = read_picture(dicom(dim))
    assert picture.window == Window(0.0, 255.0, RANGE)
    assert np.array_equal(np.rint(picture.image[0] * 255), dim)


@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("limit", [None, -1990])
def test_padding_is_background_and_decides_nothing(kind: str, limit: int | None) -> None:
    pixels = HU.copy()
    pixels[:, :4] = -2000 if limit is None else -1995
    more = {} if limit is None else {"PixelPaddingRangeLimit": limit}
    picture = read_picture(dicom(pixels, kind, PixelPaddingValue=-2000, **more))
    low, high = np.percentile(HU[:, 4:], (0.5, 99.5))
    assert picture.window is not None
    assert (picture.window.low, picture.window.high) == pytest.approx((low, high))
    assert (picture.image[0, :, :4] == 0).all()
    seen = np.clip((HU[:, 4:] - low) / (high - low), 0, 1)
    expected = 1 - seen if kind == "MONOCHROME1" else seen
    assert np.abs(picture.image[0, :, 4:] - expected).max() < 1e-5


def test_padding_that_lost_its_sign() -> None:
    pixels = HU.copy()
    pixels[:, :4] = -2000
    data = dicom(pixels, PixelPaddingValue=-2000)
    header = pydicom.dcmread(io.BytesIO(data))
    header["PixelPaddingValue"] = pydicom.DataElement(0x00280120, "US", 65536 - 2000)
    buffer = io.BytesIO()
    header.save_as(buffer)
    assert (read_image(buffer.getvalue())[0, :, :4] == 0).all()
    assert np.array_equal(read_image(buffer.getvalue()), read_image(data))


def test_a_picture_of_padding_alone_is_black() -> None:
    assert read_image(dicom(np.full_like(HU, -2000), PixelPaddingValue=-2000)).max() == 0


def test_frames_share_a_window() -> None:
    frames = np.stack([HU, HU + 500, HU - 500])
    windows = {read_picture(dicom(frames), where=Slice(place)).window for place in range(3)}
    assert len(windows) == 1


@pytest.mark.parametrize("compress", [jpeg_ls, jpeg_2000, jpeg_lossless])
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_what_is_compressed_without_loss_is_exact(compress: object, bits: int) -> None:
    rng = np.random.default_rng(bits)
    pixels = rng.integers(0, 1 << bits, (40, 48)).astype(np.uint8 if bits == 8 else np.uint16)
    data = compress(dicom(pixels, bits=bits))  # type: ignore[operator]
    assert np.array_equal(read_values(data), pixels)


@pytest.mark.parametrize("compress", [jpeg_ls, jpeg_lossless])
def test_signed_values_are_exact(compress: object) -> None:
    data = compress(dicom(HU, RescaleSlope="1", RescaleIntercept="-24", **WINDOW))  # type: ignore[operator]
    assert np.array_equal(read_values(data), HU)
    assert np.abs(read_image(data)[0] - np.clip((HU - 24 - 39.5) / 399 + 0.5, 0, 1)).max() < 1e-5


def test_a_decoder_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = jpeg_ls(dicom(RAMP, bits=12))
    monkeypatch.setattr(
        dicom_decoding, "find_spec", lambda name: None if name == "jpeg_ls" else find_spec(name)
    )
    with pytest.raises(InputError, match=r"it is compressed as JPEG-LS .*`pip install pyjpegls`"):
        read_image(data, "it")


def test_a_compression_that_nobody_here_reads_is_told() -> None:
    header = pydicom.dcmread(io.BytesIO(dicom(RAMP)))
    data = with_stream(header, b"\xff\xd8\xff\xd9", pydicom.uid.MPEG2MPML)
    with pytest.raises(InputError, match=r"compressed as .*MPEG2.*decompress it first"):
        read_image(data, "it")


def test_jpeg_2000_in_boxes_is_read_where_each_says_its_length() -> None:
    data = jpeg_2000(dicom(RAMP, bits=12), boxes=True)
    assert np.array_equal(read_image(data, "it"), read_image(dicom(RAMP, bits=12), "it"))
    box = data.index(b"ftyp") - 4
    # Found by scripts/hostile_inputs.py: pydicom would look for the box after this one for ever.
    for length in (0, 1, 7):
        damaged = data[:box] + length.to_bytes(4, "big") + data[box + 4 :]
        with pytest.raises(InputError, match="truncated or damaged"):
            read_image(damaged, "it")


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless])
def test_a_stream_that_says_another_size_is_not_decoded(syntax: str) -> None:
    compress = {JPEGLSLossless: jpeg_ls, JPEG2000Lossless: jpeg_2000}[syntax]
    data = compress(dicom(RAMP, bits=12))
    with pytest.raises(InputError, match="truncated or damaged"):
        read_image(edited(data, Rows=20), "it")


@pytest.mark.parametrize(
    ("syntax", "meta"),
    # Without its head nothing says of a file which end of its numbers comes first.
    [
        ("explicit", True),
        ("implicit", True),
        ("big", True),
        ("explicit", False),
        ("implicit", False),
    ],
)
def test_without_a_preamble(syntax: str, meta: bool) -> None:
    data = dicom(HU, RescaleSlope="1", RescaleIntercept="0", **WINDOW)
    header = pydicom.dcmread(io.BytesIO(data))
    uids = {
        "explicit": pydicom.uid.ExplicitVRLittleEndian,
        "implicit": pydicom.uid.ImplicitVRLittleEndian,
        "big": pydicom.uid.ExplicitVRBigEndian,
    }
    if syntax == "big":
        header["PixelData"].value = HU.astype(">i2").tobytes()
    header.file_meta.TransferSyntaxUID = uids[syntax]
    buffer = io.BytesIO()
    pydicom.dcmwrite(
        buffer, header, enforce_file_format=True, implicit_vr=syntax == "implicit",
        little_endian=syntax != "big",
    )  # fmt: skip
    whole = buffer.getvalue()
    start = 132 if meta else 144 + int.from_bytes(whole[140:144], "little")
    bare = whole[start:]
    assert is_dicom(bare[:132])
    assert np.array_equal(read_image(bare), read_image(data))


@pytest.mark.parametrize(
    "data",
    [b"\x08\x00" * 100, b"\x02\x00\x00\x00", b"MIT License\n" * 20, b"\0" * 200, b"\x08\0\x05\0CS"],
)
def test_what_is_no_dicom(data: bytes) -> None:
    assert not is_dicom(data)


def test_a_deflated_file_is_read_and_a_bomb_is_not(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = pydicom.dcmread(io.BytesIO(dicom(HU, **WINDOW)))
    header.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    buffer = io.BytesIO()
    header.save_as(buffer)
    assert np.array_equal(read_image(buffer.getvalue()), read_image(dicom(HU, **WINDOW)))
    header.add_new(0x00091002, "OB", bytes(3_000_000))
    buffer = io.BytesIO()
    header.save_as(buffer)
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.toml").write_text("max_image_mb = 1\n")
    assert sys.getsizeof(buffer.getvalue()) < 100_000
    with pytest.raises(InputError, match="unpacks to more than 1 MB"):
        read_image(buffer.getvalue(), "it")


needs_cases = pytest.mark.skipif(not CASES.exists(), reason="../shared/cases is not there")


@needs_cases
def test_the_cases() -> None:
    window = np.clip((np.array([-100, 80]) + 0.5) / 399 + 0.5, 0, 1)
    for name in ("nopreamble.dcm", "IM000001"):
        assert np.unique(read_image(CASES / name)) == pytest.approx(window, abs=1e-5)
    padded = read_image(CASES / "padding_nowindow.dcm")
    assert np.unique(padded).tolist() == [0, 1]
    assert (padded == 1).sum() == 305
    curved = read_picture(CASES / "sigmoid.dcm")
    assert np.unique(curved.image) == pytest.approx([0.2689, 0.6900], abs=5e-5)
    assert curved.window is not None and curved.window.how == f"{OWN}, SIGMOID"
