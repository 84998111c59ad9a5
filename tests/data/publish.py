"""Small data sets, laid out and encoded as the challenges publish them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = 64
Files = dict[str, bytes]


def picture(index: int = 0, kind: str = "PNG", width: int = SIZE) -> bytes:
    rng = np.random.default_rng(index)
    return encoded(rng.integers(0, 255, (SIZE, width, 3), dtype=np.uint8), kind)


def encoded(pixels: NDArray[np.uint8], kind: str = "PNG", mode: str = "", **more: object) -> bytes:
    image = Image.fromarray(pixels)
    buffer = io.BytesIO()
    (image.convert(mode) if mode else image).save(buffer, kind, **more)
    return buffer.getvalue()


def disc(index: int = 0, radius: int = 20) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[:SIZE, :SIZE]
    return np.hypot(rows - 30 - index, columns - 34) < radius


def binary(index: int = 0, kind: str = "PNG", radius: int = 20, mode: str = "") -> bytes:
    return encoded(np.where(disc(index, radius), 255, 0).astype(np.uint8), kind, mode)


def nested(index: int, outside: int, rim: int, cup: int) -> NDArray[np.uint8]:
    values = np.full((SIZE, SIZE), outside, dtype=np.uint8)
    values[disc(index)] = rim
    values[disc(index, 9)] = cup
    return values


def outline(index: int) -> bytes:
    turns = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    points = zip(34 + 20 * np.cos(turns), 30 + index + 20 * np.sin(turns), strict=True)
    return "\r\n".join(f"{x:.2f} , {y:.2f}" for x, y in points).encode()


def matlab(index: int) -> bytes:
    from scipy.io import savemat

    buffer = io.BytesIO()
    savemat(buffer, {"mask": nested(index, 0, 1, 2)})
    return buffer.getvalue()


def stack(pictures: list[NDArray[np.uint8]]) -> bytes:
    first, *others = [Image.fromarray(one) for one in pictures]
    buffer = io.BytesIO()
    first.save(buffer, "TIFF", save_all=True, append_images=others)
    return buffer.getvalue()


def isic(year: str, data: str, truth: str) -> Files:
    files: Files = {}
    for split, numbers in (("Training", (0, 1)), ("Test", (2,))):
        for n in numbers:
            files[f"{data.format(split)}/ISIC_{n:07d}.jpg"] = picture(n, "JPEG")
            ending = "Segmentation" if year == "2016" else "segmentation"
            files[f"{truth.format(split)}/ISIC_{n:07d}_{ending}.png"] = binary(n)
        files[f"{data.format(split)}/ISIC_{n:07d}_superpixels.png"] = picture(n)
    return files


def ph2() -> Files:
    files: Files = {"PH2Dataset/PH2_dataset.txt": b"|| Name || Histological Diagnosis ||"}
    for n in (2, 3):
        name = f"IMD{n:03d}"
        folder = f"PH2Dataset/PH2 Dataset images/{name}"
        files[f"{folder}/{name}_Dermoscopic_Image/{name}.bmp"] = picture(n, "BMP")
        files[f"{folder}/{name}_lesion/{name}_lesion.bmp"] = binary(n, "BMP", mode="1")
        files[f"{folder}/{name}_roi/{name}_R1_Label3.bmp"] = binary(n, "BMP", 5)
    return files


def drishti() -> Files:
    files: Files = {}
    for split, truth, n in (("Training", "GT", 2), ("Training", "GT", 4), ("Test", "Test_GT", 1)):
        name = f"drishtiGS_{n:03d}"
        files[f"Drishti-GS1_files/{split}/Images/{name}.png"] = picture(n)
        folder = f"Drishti-GS1_files/{split}/{truth}/{name}"
        files[f"{folder}/SoftMap/{name}_ODsegSoftmap.png"] = encoded(votes(n, 20))
        files[f"{folder}/SoftMap/{name}_cupsegSoftmap.png"] = encoded(votes(n, 9))
        files[f"{folder}/AvgBoundary/{name}_ODAvgBoundary.txt"] = outline(n)
    return files


def votes(index: int, radius: int) -> NDArray[np.uint8]:
    """Four annotators; three of them agree within the radius."""
    shares = [disc(index, radius + extra).astype(float) for extra in (-2, -1, 0, 3)]
    return np.rint(np.mean(shares, axis=0) * 255).astype(np.uint8)


def drions() -> Files:
    files: Files = {}
    for n in (1, 2):
        files[f"DRIONS-DB/images/image_{n:03d}.jpg"] = picture(n, "JPEG")
        for expert in (1, 2):
            path = f"DRIONS-DB/experts_anotation/anotExpert{expert}_{n:03d}.txt"
            files[path] = outline(n)
    return files


def refuge() -> Files:
    files: Files = {}
    for name, kind in (("g0001", "Glaucoma"), ("n0001", "Non-Glaucoma")):
        files[f"REFUGE-Training400/Training400/{kind}/{name}.jpg"] = picture(1, "JPEG")
        path = f"Annotation-Training400/Annotation-Training400/Disc_Cup_Masks/{kind}/{name}.bmp"
        files[path] = encoded(nested(1, 255, 128, 0), "BMP")
    files["REFUGE-Validation400/REFUGE-Validation400/V0001.jpg"] = picture(2, "JPEG")
    path = "REFUGE-Validation400-GT/Disc_Cup_Masks/V0001.bmp"
    files[path] = encoded(nested(2, 255, 128, 0), "BMP")
    files["REFUGE-Test400/Test400/T0001.jpg"] = picture(3, "JPEG")
    files["REFUGE-Test-GT/Disc_Cup_Masks/G/T0001.bmp"] = encoded(nested(3, 255, 128, 0), "BMP")
    return files


def rim_one_dl() -> Files:
    files: Files = {}
    for name, kind, part in (("r1_Im001", "glaucoma", "training"), ("r3_N-1-L", "normal", "test")):
        for partition in ("partitioned_randomly", "partitioned_by_hospital"):
            path = f"RIM-ONE_DL_images/{partition}/{part}_set/{kind}/{name}.png"
            files[path] = picture(1)
        folder = f"RIM-ONE_DL_reference_segmentations/{kind}"
        files[f"{folder}/{name}-1-Disc-T.png"] = binary(0, mode="1")
        files[f"{folder}/{name}-1-Cup-T.png"] = binary(0, radius=9, mode="1")
    return files


def rim_one_r3() -> Files:
    files: Files = {}
    for kind, name in (("Healthy", "N-10-R"), ("Glaucoma and suspects", "G-1-L")):
        files[f"RIM-ONE r3/{kind}/Stereo Images/{name}.jpg"] = picture(1, "JPEG", 2 * SIZE)
        files[f"RIM-ONE r3/{kind}/Average_masks/{name}-Disc-Avg.png"] = binary()
        files[f"RIM-ONE r3/{kind}/Average_masks/{name}-Cup-Avg.png"] = binary(radius=9)
    return files


def origa(masks: str = "png") -> Files:
    files: Files = {}
    for n in (1, 2):
        files[f"ORIGA/Images/{n:03d}.jpg"] = picture(n, "JPEG")
        if masks == "png":
            files[f"ORIGA/Masks/{n:03d}.png"] = encoded(nested(n, 0, 1, 2))
        else:
            files[f"ORIGA/Semi-automatic-annotations/{n:03d}.mat"] = matlab(n)
    return files


def drive() -> Files:
    files: Files = {}
    for split, n in (("training", 21), ("training", 22), ("test", 1)):
        files[f"DRIVE/{split}/images/{n:02d}_{split}.tif"] = picture(n, "TIFF")
        files[f"DRIVE/{split}/1st_manual/{n:02d}_manual1.gif"] = binary(n % 5, "GIF", 8)
        files[f"DRIVE/{split}/mask/{n:02d}_{split}_mask.gif"] = binary(0, "GIF", 28)
    files["DRIVE/test/2nd_manual/01_manual2.gif"] = binary(0, "GIF", 7)
    return files


def chase() -> Files:
    files: Files = {}
    for name in ("Image_01L", "Image_01R"):
        files[f"CHASEDB1/{name}.jpg"] = picture(1, "JPEG")
        files[f"CHASEDB1/{name}_1stHO.png"] = binary(0, mode="1")
        files[f"CHASEDB1/{name}_2ndHO.png"] = binary(0, radius=18, mode="1")
    return files


def kvasir() -> Files:
    files: Files = {"Kvasir-SEG/kavsir_bboxes.json": b"{}"}
    for name in ("cju0qkwl35piu0993l0dewei2", "cju0qoxqj9q6s0835b43399p4"):
        files[f"Kvasir-SEG/images/{name}.jpg"] = picture(1, "JPEG")
        grey = np.where(disc(1), 255, 0).astype(np.uint8)
        files[f"Kvasir-SEG/masks/{name}.jpg"] = encoded(grey, "JPEG", "RGB", quality=60)
    return files


def cvc() -> Files:
    files: Files = {}
    for n in (1, 2):
        for kind, ending in (("PNG", "png"), ("TIF", "tif")):
            file = "TIFF" if kind == "TIF" else kind
            files[f"CVC-ClinicDB/{kind}/Original/{n}.{ending}"] = picture(n, file)
            files[f"CVC-ClinicDB/{kind}/Ground Truth/{n}.{ending}"] = binary(n, file)
    return files


def montgomery() -> Files:
    files: Files = {"MontgomerySet/NLM-MontgomeryCXRSet-ReadMe.pdf": b"%PDF"}
    for name in ("MCUCXR_0001_0", "MCUCXR_0104_1"):
        files[f"MontgomerySet/CXR_png/{name}.png"] = picture(1)
        left = np.where(disc(0, 25) & (np.arange(SIZE) > 34), 255, 0).astype(np.uint8)
        right = np.where(disc(0, 25) & (np.arange(SIZE) < 30), 255, 0).astype(np.uint8)
        files[f"MontgomerySet/ManualMask/leftMask/{name}.png"] = encoded(left, mode="1")
        files[f"MontgomerySet/ManualMask/rightMask/{name}.png"] = encoded(right, mode="1")
        files[f"MontgomerySet/ClinicalReadings/{name}.txt"] = b"Patient's Sex: F"
    return files


def shenzhen() -> Files:
    files: Files = {"ChinaSet_AllFiles/CXR_png/CHNCXR_0003_0.png": picture(3)}
    for name in ("CHNCXR_0001_0", "CHNCXR_0327_1"):
        files[f"ChinaSet_AllFiles/CXR_png/{name}.png"] = picture(1)
        files[f"ChinaSet_AllFiles/mask/{name}_mask.png"] = binary()
        files[f"ChinaSet_AllFiles/ClinicalReadings/{name}.txt"] = b"normal"
    return files


def isbi() -> Files:
    greys = [np.asarray(Image.open(io.BytesIO(picture(n))).convert("L")) for n in range(3)]
    labels = [np.where(disc(n), 255, 0).astype(np.uint8) for n in range(3)]
    return {
        "train-volume.tif": stack(greys),
        "train-labels.tif": stack(labels),
        "test-volume.tif": stack(greys),
    }


SKIN = ("skin", "lesion")
CUP = ("background", "disc rim", "cup")
# What is published: how many samples come of it, the classes, the samples of each split.
PUBLISHED: dict[str, tuple[Callable[[], Files], int, tuple[str, ...], dict[str, int]]] = {
    "isic-2016": (
        lambda: isic("2016", "ISBI2016_ISIC_Part1_{}_Data", "ISBI2016_ISIC_Part1_{}_GroundTruth"),
        3,
        SKIN,
        {"train": 2, "test": 1},
    ),
    "isic-2017": (
        lambda: isic("2017", "ISIC-2017_{}_Data", "ISIC-2017_{}_Part1_GroundTruth"),
        3,
        SKIN,
        {"train": 2, "test": 1},
    ),
    "isic-2018": (
        lambda: isic("2018", "ISIC2018_Task1-2_{}_Input", "ISIC2018_Task1_{}_GroundTruth"),
        3,
        SKIN,
        {"train": 2, "test": 1},
    ),
    "ph2": (ph2, 2, SKIN, {}),
    "drishti-gs": (drishti, 3, CUP, {"train": 2, "test": 1}),
    "drions-db": (drions, 2, ("background", "optic disc"), {}),
    "refuge": (refuge, 4, CUP, {"train": 2, "validation": 1, "test": 1}),
    "rim-one-dl": (rim_one_dl, 2, CUP, {"train": 1, "test": 1}),
    "rim-one-r3": (rim_one_r3, 2, CUP, {}),
    "origa": (origa, 2, CUP, {}),
    "drive": (drive, 3, ("background", "vessel"), {"train": 2, "test": 1}),
    "chase-db1": (chase, 2, ("background", "vessel"), {}),
    "kvasir-seg": (kvasir, 2, ("background", "polyp"), {}),
    "cvc-clinicdb": (cvc, 2, ("background", "polyp"), {}),
    "montgomery": (montgomery, 2, ("background", "left lung", "right lung"), {}),
    "shenzhen": (shenzhen, 2, ("background", "lung"), {}),
    "isbi-2012": (isbi, 3, ("membrane", "cell"), {}),
}


def lay_out(folder: Path, files: Files) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder
