"""Networks of others are taken in without running anything of them, or refused with the way."""

from __future__ import annotations

import contextlib
import io
import pickle
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.networks import nets
from safetensors.torch import save_file

from asma_core.errors import AsmaError, InputError, ModelError, UnknownNameError
from asma_core.models.sources.cards import broken_cards, find_card, model_cards, read_card
from asma_core.models.sources.cards import uploads_folder as uploads
from asma_core.models.sources.guessing import guess, look_at
from asma_core.models.sources.importing import forget_model, import_card
from asma_core.models.sources.loading import load_model
from asma_core.models.sources.weights import read_weights
from tests.models import bare

CPU = torch.device("cpu")
CLOSE = {"cpu": 1e-5, "cuda": 1e-4}
ARGUMENTS = {"spatial_dims": 2, "in_channels": 3, "out_channels": 2, "channels": [4, 8]}
MADE = (
    'weights = "{}"\n\n[architecture]\nname = "UNet"\narguments = {{spatial_dims = 2, '
    "in_channels = 3, out_channels = 2, channels = [4, 8], strides = [2]}}\n"
)


def network() -> torch.nn.Module:
    torch.manual_seed(1)
    return nets.UNet(**ARGUMENTS, strides=[2]).eval()


def staged(folder: Path, file: str, content: object, name: str = "mine") -> Path:
    """A card beside a file of weights, as an upload lies before it is taken in."""
    folder.mkdir(parents=True, exist_ok=True)
    if file.endswith(".safetensors"):
        save_file(content, folder / file)  # type: ignore[arg-type]
    elif isinstance(content, bytes):
        (folder / file).write_bytes(content)
    else:
        torch.save(content, folder / file)
    return bare.put(folder, name, bare.card_text(name, MADE.format(file)))


STATE = network().state_dict()
WAYS = {
    "safetensors": ("w.safetensors", dict(STATE)),
    "plain": ("w.pt", STATE),
    "pth": ("w.pth", dict(STATE)),
    "lightning": ("w.ckpt", {"state_dict": STATE, "epoch": 3, "loss": 0.5}),
    "data parallel": ("w.pt", {f"module.{key}": value for key, value in STATE.items()}),
    "lightning's model": (
        "w.ckpt",
        {"state_dict": OrderedDict((f"net.{key}", value) for key, value in STATE.items())},
    ),
    "compiled": ("w.bin", {"model": {f"_orig_mod.{k}": v for k, v in STATE.items()}}),
}


@pytest.mark.parametrize("way", WAYS)
def test_weights_are_taken_in_as_safetensors(home: Path, tmp_path: Path, way: str) -> None:
    file, content = WAYS[way]
    card = import_card(staged(tmp_path / "up", file, content), trusted=False)
    assert card.weights == uploads() / "mine.safetensors"
    assert not card.trusted
    images = bare.images()
    found = load_model(find_card("mine"), CPU)(images)
    assert (found - network()(bare.prepared(images))).abs().max() <= 1e-5


class Evil:
    ran = False

    def __reduce__(self) -> object:
        return (exec, ("import tests.models.sources.test_importing as t; t.Evil.ran = True",))


def legacy(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


REFUSED = {
    "a whole network": ("w.pt", network(), "holds more than weights.*save the weights alone"),
    "an evil pickle": ("w.pt", {"a": Evil()}, "holds more than weights"),
    "a plain evil pickle": ("w.pth", pickle.dumps(Evil()), "w.pth"),
    "an old evil pickle": ("w.ckpt", legacy({"a": Evil()}), "holds more than weights"),
    "no weights": ("w.pt", {"epoch": 3}, "holds no state dict"),
    "a list": ("w.pt", [torch.zeros(2)], "holds no state dict"),
    "a zip": ("w.pt", b"PK\x03\x04rubbish", "can't be read as weights"),
    "text": ("w.pt", b"hello", "w.pt"),
    "another network": ("w.safetensors", {"x": torch.zeros(2)}, "do not fit the architecture"),
    "other shapes": (
        "w.safetensors",
        {key: torch.zeros(*value.shape, 1) for key, value in STATE.items()},
        r"is \(.*\) and should be",
    ),
    "damaged": ("w.pt", b"\x80\x02}q\x00.", "w.pt"),
    "a script": ("w.py", b"print(1)", "is a program, which runs as the server itself"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_plain_state_dict_is_refused(home: Path, tmp_path: Path, kind: str) -> None:
    file, content, sentence = REFUSED[kind]
    Evil.ran = False
    with pytest.raises(ModelError, match=sentence):
        import_card(staged(tmp_path / "up", file, content), trusted=False)
    assert not Evil.ran
    assert not model_cards().get("mine")
    assert not list(uploads().glob("*")) if uploads().exists() else True


def test_torchscript_is_no_state_dict(home: Path, tmp_path: Path) -> None:
    with ignored():
        (tmp_path / "up").mkdir()
        script = torch.jit.trace(bare.Plain().eval(), bare.images(1))
        torch.jit.save(script, str(tmp_path / "up" / "w.pt"))
    card = bare.put(tmp_path / "up", "mine", bare.card_text("mine", MADE.format("w.pt")))
    with pytest.raises(ModelError, match=r"w\.pt"):
        import_card(card, trusted=False)


@contextmanager
def ignored() -> Iterator[None]:
    """TorchScript is on its way out; that is the owner's choice."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_a_tensor_that_claims_more_than_its_file_is_refused(tmp_path: Path) -> None:
    huge = torch.zeros(1).expand(200_000_000)
    torch.save({"x": huge}, tmp_path / "w.pt")
    with pytest.raises(ModelError, match="larger than itself"):
        read_weights(tmp_path / "w.pt")


def test_the_limit_is_named(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("max_weights_mb = 1\n")
    (tmp_path / "w.safetensors").write_bytes(b"0" * 2_000_000)
    with pytest.raises(ModelError, match="2 MB; the limit is 1 MB"):
        read_weights(tmp_path / "w.safetensors")


PROGRAMS = {
    "factory": '[program]\nkind = "factory"\nfactory = "mine:make"\n',
    "export": 'weights = "w.pt2"\n\n[program]\nkind = "export"\n',
    "torchscript": 'weights = "w.ts"\n\n[program]\nkind = "torchscript"\n',
}


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_program_can_t_be_uploaded(home: Path, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "up"
    card = bare.put(folder, "mine", bare.card_text("mine", PROGRAMS[kind]))
    (folder / "mine.py").write_text("raise SystemExit('it ran')")
    for name in ("w.pt2", "w.ts"):
        (folder / name).write_bytes(b"x")
    with pytest.raises(ModelError, match="only its owner may add one"):
        import_card(card, trusted=False)
    # Not even when it has got into the folder of uploads in another way.
    bare.put(uploads(), "mine", card.read_text())
    (uploads() / "mine.py").write_text("raise SystemExit('it ran')")
    for name in ("w.pt2", "w.ts"):
        (uploads() / name).write_bytes(b"x")
    assert "mine" not in model_cards()
    assert "only its owner" in next(iter(broken_cards().values()))
    with pytest.raises(ModelError, match="only its owner"):
        load_model(find_card("mine"), CPU)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (('name = "UNet"', 'name = "AutoEncoder"'), "not an architecture for uploads"),
        (('name = "UNet"', 'name = "eval"'), "not an architecture for uploads"),
        (("channels = [4, 8]", "channels = [4000000, 8000000]"), "million weights; the limit"),
        (("strides = [2]", "strides = [2], pretrained = true"), "pretrained weights are not"),
        (("strides = [2]", 'strides = "x"'), "can't be built"),
        (('weights = "w.pt"', 'weights = "../w.pt"'), "not a file beside it"),
        (('weights = "w.pt"', 'weights = "/etc/passwd"'), "not a file beside it"),
        (('name = "mine"', 'name = "../mine"'), "can't be the name of a network"),
        (('name = "mine"', 'name = "demo-lesion-unet"'), "is called .* already"),
    ],
)
def test_a_card_that_asks_too_much_is_refused(
    home: Path, tmp_path: Path, change: tuple[str, str], sentence: str
) -> None:
    card = staged(tmp_path / "up", "w.pt", STATE)
    (tmp_path / "w.pt").write_bytes((tmp_path / "up" / "w.pt").read_bytes())
    assert change[0] in card.read_text()
    card.write_text(card.read_text().replace(*change))
    with pytest.raises(AsmaError, match=sentence):
        import_card(card, trusted=False)


def test_a_link_in_an_upload_is_refused(home: Path, tmp_path: Path) -> None:
    card = staged(tmp_path / "up", "w.pt", STATE)
    (tmp_path / "up" / "w.pt").rename(tmp_path / "real.pt")
    (tmp_path / "up" / "w.pt").symlink_to(tmp_path / "real.pt")
    with pytest.raises(ModelError, match="not a file beside it"):
        import_card(card, trusted=False)


def test_a_broken_card_hides_no_other(home: Path, tmp_path: Path) -> None:
    import_card(staged(tmp_path / "up", "w.pt", STATE), trusted=True)
    bare.put(home / "models", "broken", "name = ")
    assert "mine" in model_cards()
    with pytest.raises(ModelError, match="can't be read as a model card"):
        find_card("broken")


def test_an_import_can_be_removed_and_nothing_else(home: Path, tmp_path: Path) -> None:
    import_card(staged(tmp_path / "up", "w.pt", STATE), trusted=False)
    forget_model("mine")
    assert not list(uploads().iterdir())
    for name in ("mine", "demo-lesion-unet", ""):
        with pytest.raises(InputError, match="was not uploaded or trained here"):
            forget_model(name)
    with pytest.raises(UnknownNameError):
        find_card("mine")


# ------------------------------------------------------------------ programs of the owner


def trusted(home: Path, made: str, **files: bytes) -> None:
    bare.put(home / "models", "mine", bare.card_text("mine", made))


def test_an_exported_program(home: Path, device: str) -> None:
    net = bare.Plain().eval()
    example = (bare.images(2),)
    batch, height, width = (torch.export.Dim(name, min=2) for name in ("batch", "h", "w"))
    program = torch.export.export(net, example, dynamic_shapes=({0: batch, 2: height, 3: width},))
    (home / "models").mkdir(parents=True)
    torch.export.save(program, home / "models" / "w.pt2")
    trusted(home, PROGRAMS["export"])
    images = bare.images()
    model = load_model(find_card("mine"), torch.device(device))
    assert (model(images.to(device)).cpu() - net(bare.prepared(images))).abs().max() <= CLOSE[
        device
    ]
    asked = images.to(device).requires_grad_()
    model(asked).sum().backward()
    assert asked.grad is not None and asked.grad.abs().sum() > 0


def test_a_torchscript(home: Path, device: str) -> None:
    net = bare.Plain().eval()
    (home / "models").mkdir(parents=True)
    with ignored():
        torch.jit.save(torch.jit.trace(net, bare.images()), str(home / "models" / "w.ts"))
    trusted(home, PROGRAMS["torchscript"])
    images = bare.images()
    model = load_model(find_card("mine"), torch.device(device))
    assert (model(images.to(device)).cpu() - net(bare.prepared(images))).abs().max() <= CLOSE[
        device
    ]


@pytest.mark.parametrize("package", [False, True])
def test_a_factory(home: Path, package: bool) -> None:
    path = home / "models" / ("pack_a/nets_a.py" if package else "nets_b.py")
    path.parent.mkdir(parents=True)
    path.write_text(bare.FACTORY_CODE)
    name = "pack_a.nets_a" if package else "nets_b"
    made = f'[program]\nkind = "factory"\nfactory = "{name}:make"\narguments = {{width = 6}}\n'
    trusted(home, made)
    space: dict[str, object] = {}
    exec(bare.FACTORY_CODE, space)
    net = space["make"](6).eval()  # type: ignore[operator]
    images = bare.images()
    assert (
        load_model(find_card("mine"), CPU)(images) - net(bare.prepared(images))
    ).abs().max() <= 1e-5


@pytest.mark.parametrize(
    ("function", "sentence"),
    [("wrong", "gave a int"), ("broken", "KeyError"), ("absent", "has no function absent")],
)
def test_a_factory_that_fails_is_told(home: Path, function: str, sentence: str) -> None:
    (home / "models").mkdir(parents=True)
    (home / "models" / "nets_c.py").write_text(bare.FACTORY_CODE)
    trusted(home, f'[program]\nkind = "factory"\nfactory = "nets_c:{function}"\n')
    with pytest.raises(ModelError, match=sentence):
        load_model(find_card("mine"), CPU)


@pytest.mark.parametrize("text", ["os.system", "a:b.c", "../a:b", "a b:c", ":x", "a:"])
def test_a_factory_that_is_no_name_is_told(home: Path, text: str) -> None:
    trusted(home, f'[program]\nkind = "factory"\nfactory = "{text}"\n')
    assert "factory" in broken_cards()[home / "models" / "mine.toml"]


# ------------------------------------------------------------------ guesses


@pytest.mark.parametrize(
    ("architecture", "arguments"),
    [
        ("UNet", {"channels": [8, 16, 32], "strides": [2, 2], "num_res_units": 2}),
        ("UNet", {"channels": [8, 16, 32], "strides": [2, 2]}),
        ("UNet", {"channels": [8, 16], "strides": [2], "num_res_units": 1, "norm": "batch"}),
        ("AttentionUnet", {"channels": [8, 16, 32], "strides": [2, 2]}),
        ("BasicUNet", {"features": [8, 8, 16, 16, 32, 8]}),
        ("SegResNet", {"init_filters": 8, "blocks_down": [1, 2, 2], "blocks_up": [1, 1]}),
    ],
)
def test_an_architecture_is_guessed_from_its_weights(
    tmp_path: Path, architecture: str, arguments: dict[str, object]
) -> None:
    base = {"spatial_dims": 2, "in_channels": 1, "out_channels": 3}
    net = getattr(nets, architecture)(**base, **arguments).eval()
    torch.save(
        {f"module.{key}": value for key, value in net.state_dict().items()}, tmp_path / "w.pt"
    )
    looked = look_at(tmp_path / "w.pt")
    assert (looked["architecture"], looked["channels"], looked["classes"]) == (architecture, 1, 3)
    again = getattr(nets, architecture)(**base, **looked["arguments"]).eval()
    again.load_state_dict(net.state_dict())
    images = bare.images(1, 1, 32, 32)
    assert torch.equal(again(images), net(images))


def test_no_guess_where_nothing_fits() -> None:
    assert guess(bare.Plain().state_dict()) is None
    assert guess({}) is None


# ------------------------------------------------------------------ anything


@settings(max_examples=100, derandomize=True)
@given(st.sampled_from(["w.pt", "w.safetensors"]), st.integers(0, 2**32), st.integers(1, 40))
def test_damaged_weights_are_read_or_told(
    tmp_path_factory: pytest.TempPathFactory, file: str, seed: int, wounds: int
) -> None:
    folder = tmp_path_factory.mktemp("w")
    staged(folder, file, dict(STATE))
    data = bytearray((folder / file).read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(0, len(data), wounds):
        data[place] = rng.integers(256)
    cut = len(data) if seed % 4 else int(rng.integers(1, len(data)))
    (folder / file).write_bytes(bytes(data[:cut]))
    with contextlib.suppress(AsmaError):
        read_weights(folder / file)


VALUES = st.one_of(
    st.integers(-5, 70000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text("ab/.:#", max_size=4),
    st.booleans(),
    st.lists(st.integers(-2, 9), max_size=4),
)


@settings(max_examples=200, derandomize=True)
@given(st.data())
def test_any_card_is_read_or_told(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("c")
    card = staged(folder, "w.pt", {"x": torch.zeros(1)})
    lines = card.read_text().splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        key = lines[place].partition(" = ")[0]
        value = data.draw(VALUES)
        text = str(value).lower() if isinstance(value, bool) else repr(value)
        extra = data.draw(st.sampled_from(["pad", "order", "batch", "normalisation", "reading"]))
        lines[place] = data.draw(st.sampled_from(["", f"{key} = {text}", f"{extra} = {text}"]))
    card.write_text("\n".join(lines))
    with contextlib.suppress(AsmaError):
        read_card(card, trusted=False)
