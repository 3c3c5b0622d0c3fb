"""Files from elsewhere, from a server that misbehaves and from archives that mean harm."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from vggstudy import fashion, imagenet
from vggstudy.archives import extract, fetch
from vggstudy.data import load_data
from vggstudy.errors import DataError

CONTENT = bytes(range(256)) * 40
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def __init__(self, state: SimpleNamespace, *args) -> None:
        self.state = state
        super().__init__(*args)

    def do_GET(self) -> None:
        state, start = self.state, 0
        state.ranges.append(self.headers.get("Range"))
        if self.headers.get("Range") and state.resumes:
            start = int(re.fullmatch(r"bytes=(\d+)-", self.headers["Range"])[1])
        if start >= len(state.content) > 0:
            return self.send_error(416)
        if state.status != 200:
            return self.send_error(state.status)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(state.content) - start))
        self.end_headers()
        self.wfile.write(state.content[start : state.stops_after])

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def server():
    state = SimpleNamespace(content=CONTENT, status=200, resumes=True, stops_after=None, ranges=[])
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, state)) as http:
        thread = Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        state.url = f"http://127.0.0.1:{http.server_port}/file"
        yield state
        http.shutdown()
        thread.join()


def test_a_file_is_fetched_once(server, tmp_path):
    path = tmp_path / "folder" / "file"
    assert fetch(server.url, path, SHA256).read_bytes() == CONTENT
    fetch(server.url, path, SHA256)
    assert len(server.ranges) == 1
    assert [*path.parent.iterdir()] == [path]


@pytest.mark.parametrize("resumes", [True, False])
def test_an_interrupted_file_is_gone_on_with(server, tmp_path, resumes):
    path = tmp_path / "file"
    server.stops_after, server.resumes = 3000, resumes
    with pytest.raises(DataError, match=r"cannot fetch http.*ended after 3,000 of 10,240 bytes.*run again") as caught:
        fetch(server.url, path, SHA256)
    assert SHA256 in str(caught.value)
    assert not path.exists()
    server.stops_after = None
    assert fetch(server.url, path, SHA256).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=3000-"]
    assert [*tmp_path.iterdir()] == [path]


def test_a_whole_part_is_taken(server, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT)
    assert fetch(server.url, tmp_path / "file", SHA256).read_bytes() == CONTENT


@pytest.mark.parametrize("where", ["served", "part"])
def test_a_wrong_checksum_names_both_and_removes_the_file(server, tmp_path, where):
    path = tmp_path / "file"
    if where == "served":
        server.content = CONTENT[:-1] + b"x"
    else:
        (tmp_path / "file.part").write_bytes(b"y" * 100)
    actual = {"served": CONTENT[:-1] + b"x", "part": b"y" * 100 + CONTENT[100:]}[where]
    with pytest.raises(DataError, match="it was removed; run again") as caught:
        fetch(server.url, path, SHA256)
    for part in (server.url, hashlib.sha256(actual).hexdigest(), SHA256.removeprefix("sha256:")):
        assert part in str(caught.value)
    assert [*tmp_path.iterdir()] == []
    server.content = CONTENT
    assert fetch(server.url, path, SHA256).read_bytes() == CONTENT


def test_a_wrong_file_that_the_user_put_there_is_left_to_the_user(server, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"y" * 100)
    with pytest.raises(DataError, match=f"{path} is not what {server.url} should hold .*: move it away and run again"):
        fetch(server.url, path, SHA256)
    assert path.read_bytes() == b"y" * 100


def test_without_a_network_the_message_says_what_to_put_where(tmp_path):
    with pytest.raises(DataError, match=r"cannot fetch http://127\.0\.0\.1:9/file .*refused.*") as caught:
        fetch("http://127.0.0.1:9/file", tmp_path / "file", SHA256)
    assert SHA256 in str(caught.value)
    assert str(tmp_path / "file") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_page_that_is_gone(server, tmp_path):
    server.status = 404
    with pytest.raises(DataError, match="404"):
        fetch(server.url, tmp_path / "file", SHA256)


def tar_of(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def zip_of(path: Path, name: str, mode: int = 0o100644) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("good.txt", "good")
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        file.writestr(info, "/etc/passwd")
    return path


def test_good_archives_are_unpacked(tmp_path):
    tar = tar_of(tmp_path / "a.tgz", (member("set/one.txt"), b"1"), (member("set/sub/two.txt"), b"2"))
    extract(tar, tmp_path / "tar")
    assert (tmp_path / "tar" / "set" / "sub" / "two.txt").read_bytes() == b"2"
    extract(zip_of(tmp_path / "a.zip", "sub/x.txt"), tmp_path / "zip")
    assert (tmp_path / "zip" / "sub" / "x.txt").exists()
    assert sorted(path.name for path in (tmp_path / "zip").iterdir()) == ["good.txt", "sub"]


@pytest.mark.parametrize(
    "evil",
    [
        (member("../out.txt"), b"x"),
        (member("/tmp/vggstudy-out.txt"), b"x"),
        (member("a/../../out.txt"), b"x"),
        (member("link", tarfile.SYMTYPE, "/etc"), b""),
        (member("link", tarfile.SYMTYPE, "../../out"), b""),
        (member("hard", tarfile.LNKTYPE, "../out.txt"), b""),
        (member("null", tarfile.CHRTYPE), b""),
        (member("pipe", tarfile.FIFOTYPE), b""),
    ],
    ids=lambda pair: f"{pair[0].name}-{pair[0].type}",
)
def test_evil_tar_files_are_refused(tmp_path, evil):
    folder = tmp_path / "in"
    with pytest.raises(DataError, match=r"evil\.tgz is not safe to unpack"):
        extract(tar_of(tmp_path / "evil.tgz", (member("good.txt"), b"good"), evil), folder)
    assert [*folder.iterdir()] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evil.tgz", "in"]
    assert not Path("/tmp/vggstudy-out.txt").exists()


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("../out.txt", 0o100644),
        ("/out.txt", 0o100644),
        ("a\\..\\..\\out.txt", 0o100644),
        ("link", 0o120777),
        ("dev", 0o020666),
    ],
)
def test_evil_zip_files_are_refused(tmp_path, name, mode):
    folder = tmp_path / "in"
    with pytest.raises(DataError, match=r"evil\.zip is not safe to unpack"):
        extract(zip_of(tmp_path / "evil.zip", name, mode), folder)
    assert [*folder.iterdir()] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evil.zip", "in"]


def test_a_damaged_archive_leaves_nothing(tmp_path):
    tar = tar_of(tmp_path / "a.tgz", (member("a.txt"), bytes(np.random.default_rng(0).bytes(50_000))))
    tar.write_bytes(tar.read_bytes()[:30_000])
    with pytest.raises(DataError, match=r"a\.tgz cannot be unpacked .*: remove it and run again"):
        extract(tar, tmp_path / "in")
    assert [*(tmp_path / "in").iterdir()] == []


def test_what_is_in_the_way_is_found_before_anything_is_moved(tmp_path):
    """Else a part of the classes would lie there, and look whole."""
    names = [f"n{number:08d}" for number in range(20)]
    tar = tar_of(tmp_path / "a.tgz", *((member(f"{name}/a.JPEG"), b"x") for name in names))
    for taken in (names[0], names[-1]):
        folder = tmp_path / f"with {taken}"
        (folder / taken).mkdir(parents=True)
        with pytest.raises(DataError, match=f"{taken} is in the way of .*a.tgz"):
            extract(tar, folder)
        assert [path.name for path in folder.iterdir()] == [taken] and not [*(folder / taken).iterdir()]


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "a.txt").write_text("mine")
    with pytest.raises(DataError, match=r"a\.txt is in the way of .*a\.tgz"):
        extract(tar_of(tmp_path / "a.tgz", (member("a.txt"), b"theirs")), tmp_path)
    assert (tmp_path / "a.txt").read_text() == "mine"


def test_imagenette_is_fetched_unpacked_and_loaded(server, tmp_path, monkeypatch):
    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "JPEG")
    names = [f"imagenette2-320/{s}/{k}/a.JPEG" for s in ("train", "val") for k in imagenet.IMAGENETTE_CLASSES]
    archive = tar_of(tmp_path / "x.tgz", *((member(name), picture.getvalue()) for name in names)).read_bytes()
    server.content = archive
    monkeypatch.setattr(imagenet, "IMAGENETTE", server.url)
    monkeypatch.setattr(imagenet, "IMAGENETTE_CHECKSUM", "md5:" + hashlib.md5(archive).hexdigest())
    for _ in range(2):
        data = load_data(f"imagenette:{tmp_path / 'root'}", download=True)
        assert (len(data.train), len(data.val), data.train[9][1]) == (10, 10, 9)
    assert len(server.ranges) == 1


def test_clothes_are_fetched(server, tmp_path, monkeypatch):
    """The server hands out the same file four times: it arrives, and is then seen not to fit."""
    monkeypatch.setattr(fashion, "DEBIAN", tmp_path / "none")
    monkeypatch.setattr(fashion.FashionMNIST, "mirrors", [server.url.removesuffix("file")])
    resources = [(name, hashlib.md5(CONTENT).hexdigest()) for name, _ in fashion.FashionMNIST.resources]
    monkeypatch.setattr(fashion.FashionMNIST, "resources", resources)
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz is damaged"):
        load_data(f"fashion-mnist:{tmp_path}", download=True)
    assert len([*(tmp_path / "FashionMNIST" / "raw").iterdir()]) == 4
