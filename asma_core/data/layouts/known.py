"""How well-known challenges publish their images and masks, as patterns of their files' paths.

The paths were taken from the challenges' own descriptions, and where these were not at hand from
the lists of files in bioidiap/bob.ip.binseg (DRIONS-DB, Drishti-GS, REFUGE, RIM-ONE r3,
Montgomery, Shenzhen).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from asma_core.data.masks.encodings import SHARE, Encoding

LEFT_HALF: Final = "left half"


@dataclass(frozen=True)
class KnownLayout:
    """One way of publishing; patterns are searched in paths with "/", whatever their case.

    Attributes:
        name: For the command line.
        title: For people.
        image: Pattern of the images; the group `key` tells one from another, the group `split`,
            if there is one, names its part.
        masks: Class and pattern of the masks, with the same groups; class 0 is a file with all
            classes. Several patterns of one class are votes.
        classes: Names, background first.
        encoding: Of the masks.
        field_mask: Pattern of masks of the camera's field; outside it is void.
        crop: `LEFT_HALF` where the masks belong to the left half of a stereo image.
    """

    name: str
    title: str
    image: str
    masks: tuple[tuple[int, str], ...]
    classes: tuple[str, ...]
    encoding: Encoding = field(default_factory=Encoding)
    field_mask: str = ""
    crop: str = ""


_SKIN: Final = ("skin", "lesion")
_DISC: Final = ("background", "optic disc")
_CUP: Final = ("background", "disc rim", "cup")
_EACH: Final = Encoding(kind=SHARE, values=())


def _isic(year: str, data: str, truth: str) -> KnownLayout:
    split = "(?P<split>training|validation|test)"
    return KnownLayout(
        name=f"isic-{year}",
        title=f"ISIC {year}, task 1",
        image=rf"(^|/){data.format(split)}/(?P<key>isic_\d+)\.(jpg|png)$",
        masks=((0, rf"(^|/){truth.format(split)}/(?P<key>isic_\d+)_segmentation\.png$"),),
        classes=_SKIN,
    )


def _rim_one_dl(name: str, title: str, partition: str) -> KnownLayout:
    image = rf"(^|/)partitioned_{partition}/(?P<split>training|test)_set/[^/]+/"
    return KnownLayout(
        name=name,
        title=title,
        image=image + r"(?P<key>r\d_[^/]+)\.(png|jpg)$",
        masks=(
            (1, r"(^|/)(?P<key>r\d_[^/]+)-1-disc-t\.png$"),
            (2, r"(^|/)(?P<key>r\d_[^/]+)-1-cup-t\.png$"),
        ),
        classes=_CUP,
        encoding=_EACH,
    )


KNOWN: Final = (
    _isic("2016", "isbi2016_isic_part1_{}_data", "isbi2016_isic_part1_{}_groundtruth"),
    _isic("2017", r"isic-2017_{}(?:_v\d)?_data", r"isic-2017_{}(?:_v\d)?_part1_groundtruth"),
    _isic("2018", r"isic2018_task1(?:-2)?_{}_input", r"isic2018_task1_{}_groundtruth"),
    KnownLayout(
        name="ph2",
        title="PH2",
        image=r"(?P<key>imd\d+)_dermoscopic_image/imd\d+\.(bmp|png|jpg)$",
        masks=((0, r"(?P<key>imd\d+)_lesion/imd\d+_lesion\.(bmp|png)$"),),
        classes=_SKIN,
    ),
    KnownLayout(
        name="drishti-gs",
        title="Drishti-GS",
        image=r"(^|/)(?P<split>training|test)/images/(?:[^/]+/)?(?P<key>drishtigs_\d+)\.png$",
        masks=(
            (
                1,
                r"(^|/)(?P<split>training|test)/(?:test_)?gt/.*/(?P<key>drishtigs_\d+)_odsegsoftmap\.png$",
            ),
            (
                2,
                r"(^|/)(?P<split>training|test)/(?:test_)?gt/.*/(?P<key>drishtigs_\d+)_cupsegsoftmap\.png$",
            ),
        ),
        classes=_CUP,
        encoding=_EACH,
    ),
    KnownLayout(
        name="drions-db",
        title="DRIONS-DB",
        image=r"(^|/)images/image_(?P<key>\d+)\.jpg$",
        masks=(
            (1, r"(^|/)anotexpert1_(?P<key>\d+)\.txt$"),
            (1, r"(^|/)anotexpert2_(?P<key>\d+)\.txt$"),
        ),
        classes=_DISC,
        # One of the two experts is enough.
        encoding=Encoding(kind=SHARE, values=(), full=1.0, threshold=0.49),
    ),
    KnownLayout(
        name="refuge",
        title="REFUGE",
        image=r"(^|/)(?:refuge\d?-)?(?P<split>training|train|validation|val|test)(?:400)?/(?:.*/)?(?P<key>[gntv]\d{4})\.jpg$",
        masks=(
            (
                0,
                r"(^|[/-])(?P<split>training|train|validation|val|test)(?:400)?(?:-gt)?/(?:.*/)?(?:disc_cup_masks|masks|gts)/(?:[^/]+/)?(?P<key>[gntv]\d{4})\.(bmp|png)$",
            ),
        ),
        classes=_CUP,
        encoding=Encoding(values=((255, 0), (128, 1), (0, 2))),
    ),
    _rim_one_dl("rim-one-dl", "RIM-ONE DL", "randomly"),
    _rim_one_dl("rim-one-dl-hospital", "RIM-ONE DL, by hospital", "by_hospital"),
    KnownLayout(
        name="rim-one-r3",
        title="RIM-ONE r3",
        image=r"(^|/)stereo images/(?P<key>[ngs]-\d+-[lr])\.jpg$",
        masks=(
            (1, r"(^|/)average_masks/(?P<key>[ngs]-\d+-[lr])-disc-avg\.png$"),
            (2, r"(^|/)average_masks/(?P<key>[ngs]-\d+-[lr])-cup-avg\.png$"),
        ),
        classes=_CUP,
        encoding=_EACH,
        crop=LEFT_HALF,
    ),
    KnownLayout(
        name="origa",
        title="ORIGA",
        image=r"(^|/)origa[^/]*/(?:.*/)?(?:images[^/]*/)?(?P<key>\d{3})\.(jpg|png)$",
        masks=(
            (
                0,
                r"(^|/)origa[^/]*/(?:.*/)?(?:masks[^/]*|semi-automatic-annotations)/(?P<key>\d{3})\.(png|mat)$",
            ),
        ),
        classes=_CUP,
        encoding=Encoding(values=((0, 0), (1, 1), (2, 2)), nearest=False),
    ),
    KnownLayout(
        name="drive",
        title="DRIVE",
        image=r"(^|/)(?P<split>training|test)/images/(?P<key>\d+)_(?:training|test)\.tif$",
        masks=((0, r"(^|/)(?P<split>training|test)/1st_manual/(?P<key>\d+)_manual1\.(gif|png)$"),),
        classes=("background", "vessel"),
        field_mask=r"(^|/)(?P<split>training|test)/mask/(?P<key>\d+)_(?:training|test)_mask\.(gif|png)$",
    ),
    KnownLayout(
        name="chase-db1",
        title="CHASE_DB1",
        image=r"(^|/)(?P<key>image_\d+[lr])\.(jpg|png)$",
        masks=((0, r"(^|/)(?P<key>image_\d+[lr])_1stho\.png$"),),
        classes=("background", "vessel"),
        encoding=Encoding(kind=SHARE, values=(), full=255.0),
    ),
    KnownLayout(
        name="kvasir-seg",
        title="Kvasir-SEG",
        image=r"(^|/)images/(?P<key>[a-z]{2}[a-z0-9]{23})\.(jpg|png)$",
        masks=((0, r"(^|/)masks/(?P<key>[a-z]{2}[a-z0-9]{23})\.(jpg|png)$"),),
        classes=("background", "polyp"),
    ),
    KnownLayout(
        name="cvc-clinicdb",
        title="CVC-ClinicDB",
        image=r"(^|/)original/(?P<key>\d+)\.(tif|png)$",
        masks=((0, r"(^|/)ground truth/(?P<key>\d+)\.(tif|png)$"),),
        classes=("background", "polyp"),
    ),
    KnownLayout(
        name="montgomery",
        title="Montgomery",
        image=r"(^|/)cxr_png/(?P<key>mcucxr_\d+_\d)\.png$",
        masks=(
            (1, r"(^|/)leftmask/(?P<key>mcucxr_\d+_\d)\.png$"),
            (2, r"(^|/)rightmask/(?P<key>mcucxr_\d+_\d)\.png$"),
        ),
        classes=("background", "left lung", "right lung"),
        encoding=_EACH,
    ),
    KnownLayout(
        name="shenzhen",
        title="Shenzhen",
        image=r"(^|/)cxr_png/(?P<key>chncxr_\d+_\d)\.png$",
        masks=((0, r"(^|/)(?:masks?|manualmask)/(?P<key>chncxr_\d+_\d)_mask\.png$"),),
        classes=("background", "lung"),
    ),
    KnownLayout(
        name="isbi-2012",
        title="ISBI 2012",
        image=r"(^|/)(?P<key>train)-volume\.tiff?$",
        masks=((0, r"(^|/)(?P<key>train)-labels\.tiff?$"),),
        classes=("membrane", "cell"),
    ),
)

NAMES: Final = {layout.name: layout for layout in KNOWN}
