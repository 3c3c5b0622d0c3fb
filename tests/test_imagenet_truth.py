"""The classes of ImageNet's validation images as they are handed out: told by any of the files that lie beside them."""

import pytest
from PIL import Image

from vggstudy import imagenet
from vggstudy.data import load_data
from vggstudy.errors import DataError
from vggstudy.imagenet import imagenet_classes

SNAKE, ALP = "n01751748", "n09193705"  # scores 65 and 970


@pytest.fixture
def flat(tmp_path):
    """Two validation images, as the archive of ILSVRC-2012 holds them."""
    for number in (1, 2):
        Image.new("RGB", (8, 8), (20 * number, 0, 0)).save(tmp_path / f"ILSVRC2012_val_{number:08d}.JPEG")
    return tmp_path


def classes_seen(folder):
    data = load_data(f"imagenet:{folder}")
    return [data.classes[label] for label in data.test.labels.tolist()]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("val.txt", "ILSVRC2012_val_00000002.JPEG 970\nILSVRC2012_val_00000001.JPEG 65\n"),
        (
            "LOC_val_solution.csv",
            "ImageId,PredictionString\n"
            f"ILSVRC2012_val_00000002,{ALP} 0 0 4 4 \n"
            f"ILSVRC2012_val_00000001,{SNAKE} 1 1 5 5 {SNAKE} 2 2 6 6 \n",
        ),
    ],
)
def test_files_that_name_the_images_need_no_development_kit(flat, name, text):
    (flat / name).write_text(text)
    assert classes_seen(flat) == [SNAKE, ALP]


def test_the_kits_own_list_says_what_its_numbers_mean(flat):
    (flat / imagenet.GROUND_TRUTH).write_text("2\n1\n")
    (flat / "map_clsloc.txt").write_text(f"{ALP} 1 alp\n{SNAKE} 2 sea_snake\n")
    assert classes_seen(flat) == [SNAKE, ALP]


@pytest.mark.fault("T25")
def test_the_order_of_the_scores_is_not_taken_for_that_of_the_kit(flat):
    """Caffe hands out a `synsets.txt`, too, and in it every number of the kit would mean another class."""
    (flat / imagenet.GROUND_TRUTH).write_text("66\n971\n")
    (flat / "synsets.txt").write_text("\n".join(imagenet_classes()))
    with pytest.raises(DataError, match=r"synsets\.txt is in the order of the WordNet ids .*use the kit's map_clsloc"):
        classes_seen(flat)


@pytest.mark.fault("T25")
@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("val.txt", "ILSVRC2012_val_00000001.JPEG 65", r"does not tell the class of ILSVRC2012_val_00000002\.JPEG"),
        ("val.txt", "ILSVRC2012_val_00000001.JPEG 1000", r"holds .*'1000': expected are a file and a class, 0 to 999"),
        ("LOC_val_solution.csv", "ImageId,PredictionString", "does not tell the class of"),
        ("map_clsloc.txt", f"{ALP} 2 alp\n{SNAKE} 1 sea_snake", r"map_clsloc\.txt must hold a WordNet id, its number"),
    ],
)
def test_files_that_tell_too_little_are_refused(flat, name, text, reason):
    if name == "map_clsloc.txt":
        (flat / imagenet.GROUND_TRUTH).write_text("1\n2\n")
    (flat / name).write_text(text)
    with pytest.raises(DataError, match=reason):
        classes_seen(flat)


def test_kaggles_archive_is_read_as_it_unpacks(tmp_path):
    """Images deep inside, the file that tells their classes at the top."""
    images = tmp_path / "ILSVRC" / "Data" / "CLS-LOC"
    for number, name in enumerate((SNAKE, ALP), 1):
        for folder, stem in ((images / "train" / name, f"{name}_1"), (images / "val", f"ILSVRC2012_val_{number:08d}")):
            folder.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8)).save(folder / f"{stem}.JPEG")
    truth = (
        f"ImageId,PredictionString\nILSVRC2012_val_00000001,{SNAKE} 0 0 4 4\nILSVRC2012_val_00000002,{ALP} 1 1 5 5\n"
    )
    (tmp_path / "LOC_val_solution.csv").write_text(truth)
    data = load_data(f"imagenet:{tmp_path}")
    assert (len(data.train), data.classes) == (2, (SNAKE, ALP))
    assert classes_seen(tmp_path) == [SNAKE, ALP]
