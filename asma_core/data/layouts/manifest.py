"""A table (CSV) that lists the images of a data set with their masks."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from asma_core.data.formats.tree import MASK_SUFFIXES, TABLES, stem, suffix
from asma_core.data.layouts.entries import SPLITS, Found, Group, MaskFile, entries_of
from asma_core.data.layouts.names import IMAGE, MASK, composed, name_of
from asma_core.errors import InputError
from asma_core.files import as_store_error

TABLE: Final = "table"
TABLE_TITLE: Final = "a table (CSV) that lists images and masks"
IMAGE_COLUMNS: Final = ("image", "images", "image_path", "img", "img_path", "filename", "file")
MASK_COLUMNS: Final = ("mask", "masks", "mask_path", "label_path", "segmentation", "gt")
SPLIT_COLUMNS: Final = ("split", "subset", "set", "fold", "partition")
MOST_BYTES: Final = 50_000_000


def find_in_table(folder: Path, files: Sequence[str]) -> Found | None:
    """Return what the first fitting table of a folder lists; None when there is none.

    A table has a column of images ("image", "image_path", ...), one of masks ("mask", ...) or one
    for each class ("mask_disc", "mask_cup"), and where it likes "split". Paths are relative to it,
    of another machine, or names alone.

    Raises:
        InputError: A line names a file that is not there, or that lies outside the folder.
    """
    for path in (path for path in files if suffix(path) in TABLES and path.count("/") <= 1):
        rows = table_rows(folder / path)
        columns = _columns(rows[0]) if rows else None
        if columns is not None:
            return _found(rows, columns, path, _Files(files, path))
    return None


def table_rows(path: Path) -> list[dict[str, str]]:
    """Return the lines of a table by its columns' names, in small letters.

    Raises:
        InputError: Too large, or not a table.
    """
    with as_store_error(path):
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path.name} is larger than {MOST_BYTES // 1_000_000} MB; cut it")
        text = _text(path.read_bytes())
    head = text.partition("\n")[0]
    mark = max(",;\t", key=head.count)
    try:
        rows = list(csv.DictReader(io.StringIO(text), delimiter=mark))
    except csv.Error as error:
        raise InputError(f"{path.name} can't be read as CSV ({error}); save it again") from error
    return [
        {str(name).strip().lower(): value.strip() for name, value in row.items() if _is_text(value)}
        for row in rows
    ]


def _text(data: bytes) -> str:
    """Return a table's text: Unicode, or as Excel on Windows writes it in Europe."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _columns(row: Mapping[str, str]) -> tuple[str, list[str], str] | None:
    """Return the names of the columns of images, masks and splits."""
    image = next((name for name in row if name in IMAGE_COLUMNS), "")
    masks = [name for name in row if name in MASK_COLUMNS]
    masks = masks[:1] or [name for name in row if name.startswith(("mask_", "mask "))]
    split = next((name for name in row if name in SPLIT_COLUMNS), "")
    return (image, masks, split) if image and masks else None


def _found(
    rows: Sequence[Mapping[str, str]],
    columns: tuple[str, list[str], str],
    table: str,
    files: _Files,
) -> Found:
    image, masks, split = columns
    groups: dict[str, Group] = {}
    for number, row in enumerate(rows, start=2):
        if not row.get(image):
            continue
        path = files.find(row[image], number, IMAGE)
        if path in groups:
            raise InputError(f"{table}, line {number}: {row[image]} is listed twice; remove a line")
        part = SPLITS.get(row.get(split, "").lower(), "")
        found = [(row.get(name, ""), place) for place, name in enumerate(masks, start=1)]
        groups[path] = Group(image=path, split=part)
        groups[path].masks += [
            MaskFile(files.find(mask, number, MASK), label if len(masks) > 1 else 0)
            for mask, label in found
            if mask
        ]
    entries, left_out = entries_of(groups.values(), len(masks))
    named = tuple(name[len("mask_") :] for name in masks)
    classes = ("background", *named) if len(masks) > 1 else ()
    return Found(TABLE, TABLE_TITLE, entries, left_out, classes)


class _Files:
    """The files of a folder, to be found by what a table calls them."""

    def __init__(self, files: Sequence[str], table: str) -> None:
        self._paths = set(files)
        self._table = table
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for path in files:
            if suffix(path) in MASK_SUFFIXES:
                name = composed(path.rpartition("/")[2])
                for key in {name, composed(stem(path))}:
                    self._by_name[key].append(path)

    def find(self, said: str, line: int, role: str) -> str:
        """Return a path of the table relative to the data set's folder.

        A path of another machine is found by its end, a name or a number alone by what the folders
        and names say of images and masks.

        Args:
            said: In the table.
            line: Its line.
            role: `IMAGE` or `MASK`.

        Raises:
            InputError: There is none, or several.
        """
        parts = self._table.split("/")[:-1]
        own = said.replace("\\", "/").split("/")
        inside = True
        for part in own:
            if part == "..":
                inside = inside and bool(parts)
                parts = parts[:-1]
            elif part not in ("", "."):
                parts.append(part)
        if "/".join(parts) in self._paths:
            return "/".join(parts)
        named = self._by_name.get(composed(own[-1]), []) if inside else []
        found = self._nearest([composed(part) for part in own], named)
        if len(found) > 1:
            other = IMAGE if role == MASK else MASK
            found = [path for path in found if _role(path) == role] or [
                path for path in found if _role(path) != other
            ]
        if len(found) == 1:
            return found[0]
        problem = "could be several pictures" if named else "is not a picture"
        raise InputError(
            f"{self._table}, line {line}: {said} {problem} in the folder; correct the line or add "
            "the file"
        )

    @staticmethod
    def _nearest(said: Sequence[str], paths: Sequence[str]) -> list[str]:
        """Return those of some paths that end with most of the folders that are said."""
        shared = [_shared_end(said[:-1], composed(path).split("/")[:-1]) for path in paths]
        return [path for path, n in zip(paths, shared, strict=True) if n == max(shared)]


def _shared_end(one: Sequence[str], other: Sequence[str]) -> int:
    pairs = zip(reversed(one), reversed(other), strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _role(path: str) -> str:
    name = name_of(path)
    return name.stem_role or name.folder_role
