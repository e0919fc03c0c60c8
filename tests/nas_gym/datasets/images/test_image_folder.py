from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import ExifTags, Image

from nas_gym.datasets.images.image_folder import image_folder
from nas_gym.errors import InvalidArgumentError, InvalidDataError
from tests.nas_gym.images import random_pixels, write_image, write_image_folder


def complaint(path: object, **keywords: Any) -> str:  # noqa: ANN401
    with pytest.raises((InvalidDataError, InvalidArgumentError)) as error:
        image_folder(path, **keywords)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    return str(error.value)


def test_image_folder__keeps_images_with_their_class(tmp_path: Path) -> None:
    data = image_folder(write_image_folder(tmp_path / "pets"), seed=4)
    assert data.test is not None
    assert data.id == "image_folder(pets, shape=3x6x6, split=21/3/6, seed=4)"
    known = {
        random_pixels(6, 6, 3, seed=1000 * label + index).transpose(2, 0, 1).tobytes(): label
        for label in range(3)
        for index in range(10)
    }
    found = {
        image.tobytes(): label
        for part in (data.train, data.validation, data.test)
        for image, label in zip(part.features, part.labels.tolist(), strict=True)
    }
    assert found == known


def test_image_folder__of_train_and_test_keeps_them_apart(tmp_path: Path) -> None:
    write_image_folder(tmp_path / "train", images=20)
    for name in ("cat", "dog", "owl"):
        write_image(tmp_path / "test" / name / "1.png", np.full((6, 6, 3), len(name), dtype=np.uint8))
    data = image_folder(tmp_path)
    assert data.test is not None
    assert [len(part) for part in (data.train, data.validation, data.test)] == [54, 6, 3]
    assert (data.test.features == 3).all()
    assert image_folder(tmp_path, split=(1, 1)).validation.features.shape == (30, 3, 6, 6)
    (tmp_path / "more").mkdir()
    assert complaint(tmp_path) == f"{tmp_path} holds train and test, and also more, which is neither"
    (tmp_path / "more").rmdir()
    write_image(tmp_path / "test" / "emu" / "1.png", random_pixels(6, 6, 3))
    assert f"the class emu is in only one of {tmp_path / 'train'}" in complaint(tmp_path)


def test_image_folder__may_have_classes_called_train_and_test(tmp_path: Path) -> None:
    assert image_folder(write_image_folder(tmp_path, ("bus", "test", "train"))).classes == 3


@pytest.mark.parametrize(("image_size", "size"), [(4, (4, 4)), ([3, 9], (3, 9)), ((12, 5), (12, 5))])
def test_image_size__resizes_images_of_any_size(tmp_path: Path, image_size: Any, size: Any) -> None:  # noqa: ANN401
    write_image_folder(tmp_path)
    write_image(tmp_path / "dog" / "large.jpg", np.full((90, 40, 3), 200, dtype=np.uint8))
    data = image_folder(tmp_path, image_size=image_size)
    assert data.train.features.shape[1:] == (3, *size)
    assert data.test is not None
    images = [image for part in (data.train, data.validation, data.test) for image in part.features]
    assert any((np.abs(image.astype(int) - 200) <= 2).all() for image in images)


def test_images__of_other_sizes_are_refused_without_image_size(tmp_path: Path) -> None:
    write_image_folder(tmp_path)
    write_image(tmp_path / "dog" / "large.png", random_pixels(9, 7, 3))
    assert complaint(tmp_path) == (
        f"{tmp_path / 'dog' / 'large.png'} has 9x7 pixels, but {tmp_path / 'cat' / '00.png'} has 6x6; "
        "image_size resizes all images"
    )


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_channels__turn_grey_and_coloured_images_into_one_kind(
    tmp_path: Path, channels: Literal[1, 3], mode: str
) -> None:
    write_image_folder(tmp_path)
    pixels = random_pixels(6, 6, seed=7)
    write_image(tmp_path / "dog" / "grey.png", pixels)
    assert complaint(tmp_path) == (
        f"{tmp_path / 'dog' / 'grey.png'} is grey, but {tmp_path / 'cat' / '00.png'} is in colour; "
        "channels=3 makes all images RGB, 1 grey"
    )
    data = image_folder(tmp_path, channels=channels)
    assert data.test is not None
    images = np.concatenate([part.features for part in (data.train, data.validation, data.test)])
    assert images.shape == (31, channels, 6, 6)
    expected = np.broadcast_to(pixels, (channels, 6, 6))
    assert any(np.array_equal(image, expected) for image in images)
    with Image.open(tmp_path / "cat" / "00.png") as image:
        first = np.asarray(image.convert(mode)).reshape(6, 6, channels).transpose(2, 0, 1)
    assert any(np.array_equal(image, first) for image in images)


@pytest.mark.parametrize(
    ("mode", "shape"),
    [("1", (1, 6, 6)), ("L", (1, 6, 6)), ("LA", (1, 6, 6)), ("P", (3, 6, 6)), ("RGBA", (3, 6, 6))],
)
def test_images__of_one_kind_keep_it(tmp_path: Path, mode: str, shape: tuple[int, ...]) -> None:
    for label in ("a", "b"):
        for index in range(4):
            write_image(tmp_path / label / f"{index}.png", random_pixels(6, 6, 3, seed=index), mode)
    data = image_folder(tmp_path, split=(1, 1, 1))
    assert data.train.features.shape[1:] == shape


@pytest.mark.parametrize(
    ("orientation", "camera"),
    [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90), (8, Image.Transpose.ROTATE_270)],
)
@pytest.mark.parametrize("image_size", [None, (6, 4)])
def test_photographs__are_turned_upright(
    tmp_path: Path,
    orientation: int,
    camera: Image.Transpose,
    image_size: Any,  # noqa: ANN401
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    for index in range(20):
        name = Path("ab"[index % 2]) / f"{index:02d}.png"
        upright = Image.fromarray(random_pixels(6, 4, 3, seed=index))
        for folder in ("upright", "camera"):
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
        upright.save(tmp_path / "upright" / name)
        (upright.transpose(camera) if index % 3 else upright).save(
            tmp_path / "camera" / name, exif=exif if index % 3 else None
        )
    expected, found = (
        image_folder(tmp_path / folder, image_size=image_size) for folder in ("upright", "camera")
    )
    np.testing.assert_array_equal(found.train.features, expected.train.features)


def test_images__of_sixteen_bits_keep_the_upper_eight(tmp_path: Path) -> None:
    for index, value in enumerate((300, 60_000, 65_535, 512)):
        for label in ("cat", "dog"):
            file = tmp_path / label / f"{index}.png"
            file.parent.mkdir(exist_ok=True)
            Image.fromarray(np.full((6, 6), value, dtype=np.uint16)).save(file)
    data = image_folder(tmp_path, split=(1, 1, 2))
    assert data.test is not None
    parts = [part.features[:, 0, 0, 0].tolist() for part in (data.train, data.validation, data.test)]
    assert sorted(value for part in parts for value in part) == sorted([1, 234, 255, 2] * 2)


def test_images__of_another_kind_are_refused(tmp_path: Path) -> None:
    write_image_folder(tmp_path)
    file = tmp_path / "cat" / "float.tiff"
    Image.fromarray(np.full((6, 6), 0.5, dtype=np.float32)).save(file)
    assert complaint(tmp_path).startswith(f"{file} has the mode F; allowed are 1, L, LA, I;16, P")


@pytest.mark.parametrize(
    "names",
    [
        (".ipynb_checkpoints/cat.png",),
        ("__MACOSX/cat/._0.png", "@eaDir/0.png", "$RECYCLE.BIN/1.png"),
        ("cat/._00.png", "cat/.hidden/0.png", "cat/.DS_Store", "cat/@eaDir/00.png", "cat/notes.txt"),
    ],
)
@pytest.mark.parametrize("inside", ["", "train"])
def test_what_others_leave_behind__is_not_the_users(
    names: tuple[str, ...], inside: str, tmp_path: Path
) -> None:
    write_image_folder(tmp_path / inside)
    if inside:
        write_image_folder(tmp_path / "test", images=3)
    before = image_folder(tmp_path)
    for name in names:
        file = tmp_path / inside / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"no image")
    after = image_folder(tmp_path)
    assert (after.checksum, after.classes) == (before.checksum, 3)


@pytest.mark.parametrize(
    ("parts", "sizes"),
    [
        ({"train": 10, "val": 4}, [24, 12, 6]),
        ({"train": 10, "valid": 4, "test": 2}, [30, 12, 6]),
        ({"Train": 10, "Validation": 4, "Test": 2}, [30, 12, 6]),
        ({"training": 10, "testing": 2}, [27, 3, 6]),
    ],
)
def test_parts__are_what_the_user_made_them(parts: dict[str, int], sizes: list[int], tmp_path: Path) -> None:
    for number, (name, images) in enumerate(parts.items()):
        for label in ("cat", "dog", "owl"):
            for index in range(images):
                pixels = np.full((6, 6, 3), 100 * number, dtype=np.uint8)
                write_image(tmp_path / name / label / f"{index}.png", pixels)
    data = image_folder(tmp_path)
    assert data.test is not None
    assert [len(part) for part in (data.train, data.validation, data.test)] == sizes
    kinds = {name.lower()[:2]: 100 * number for number, name in enumerate(parts)}
    assert (data.train.features == 0).all()
    assert (data.validation.features == kinds.get("va", 0)).all()
    assert (data.test.features == kinds.get("te", 0)).all()
    if len(parts) == 3:
        assert "there is nothing to split" in complaint(tmp_path, split=(1, 1))
    fewer = image_folder(tmp_path, validation_samples=3).validation
    assert np.array_equal(fewer.labels, data.validation.labels[:3])


def test_parts__of_two_names_are_refused(tmp_path: Path) -> None:
    for name in ("train", "val", "validation"):
        write_image_folder(tmp_path / name)
    assert complaint(tmp_path) == f"{tmp_path} holds val and validation, which are the same part"


@pytest.mark.parametrize("keywords", [{}, {"image_size": 6, "channels": 3}])
def test_unreadable__images_are_counted_and_may_be_left_out(keywords: dict[str, Any], tmp_path: Path) -> None:
    write_image_folder(tmp_path, images=20)
    for index in range(2, 9):
        (tmp_path / "cat" / f"0{index}.png").write_bytes(b"no image")
    text = complaint(tmp_path, **keywords)
    assert text.startswith("7 of 60 images cannot be read: ") and "06.png and 2 more" in text
    assert "skip_unreadable=True" in text
    data = image_folder(tmp_path, **keywords, skip_unreadable=True)
    assert data.test is not None
    assert len(data.train) + len(data.validation) + len(data.test) == 53
    for file in tmp_path.rglob("*.png"):
        file.write_bytes(b"no image")
    assert complaint(tmp_path, skip_unreadable=True).startswith("none of 60 images can be read; ")


@pytest.mark.parametrize("keywords", [{}, {"image_size": 4, "channels": 3}])
@pytest.mark.parametrize("ending", ["png", "jpg"])
@pytest.mark.parametrize("keep", [0, 20, 0.6])
def test_damaged__image_is_named(tmp_path: Path, keywords: dict[str, Any], ending: str, keep: float) -> None:
    write_image_folder(tmp_path)
    file = tmp_path / "dog" / f"broken.{ending}"
    write_image(file, random_pixels(6, 6, 3))
    content = file.read_bytes()
    file.write_bytes(content[: int(keep * len(content) if keep < 1 else keep)])
    assert complaint(tmp_path, **keywords).startswith(f"the image {file} cannot be read: ")


def test_class__without_images_is_named(tmp_path: Path) -> None:
    write_image_folder(tmp_path)
    (tmp_path / "emu").mkdir()
    (tmp_path / "emu" / "notes.txt").write_text("no image")
    assert complaint(tmp_path).startswith(f"{tmp_path / 'emu'} holds no image; images end with .jpg, ")


@pytest.mark.parametrize(("images", "has"), [(1, "1 image"), (2, "2 images")])
def test_class__with_too_few_images_is_named(tmp_path: Path, images: int, has: str) -> None:
    write_image_folder(tmp_path, images=images)
    assert complaint(tmp_path) == (
        f"class cat has {has}, at least 3 are needed: one for each of train, validation, test"
    )


def test_folder__that_is_missing_or_has_another_layout_is_named(tmp_path: Path) -> None:
    assert complaint(tmp_path / "none").startswith(f"there is no folder {tmp_path / 'none'}; path must name")
    assert complaint(tmp_path).startswith(f"{tmp_path} holds no folders")
    write_image_folder(tmp_path, ("only",))
    assert complaint(tmp_path) == f"{tmp_path} holds one class, only; at least 2 are needed"
    assert complaint(tmp_path / "only" / "00.png").startswith("there is no folder")
    assert complaint(3) == "path must be the name of a folder, got 3"


@pytest.mark.parametrize("image_size", [0, -3, 2.5, "8", True, (8,), (8, 0), (8, 8, 8), 100_000])
def test_image_size__out_of_range_is_refused(tmp_path: Path, image_size: object) -> None:
    assert complaint(tmp_path, image_size=image_size) == (
        "image_size must be None, an integer from 1 to 4096 or two of them (height, width), "
        f"got {image_size!r}"
    )


@pytest.mark.parametrize("channels", [0, 2, "RGB"])
def test_channels__out_of_range_are_refused(tmp_path: Path, channels: object) -> None:
    assert complaint(tmp_path, channels=channels) == f"channels must be 1, 3 or None, got {channels!r}"
