"""Where packages come from, as the user told pip, and whether anything answers there."""

import socket
import sys
import threading

import pytest

from tools import commands, indexes
from tools.indexes import answers, default_index, find_links, pip_settings, silent_host
from tools.process import CourseError


@pytest.fixture(autouse=True)
def told_nothing(monkeypatch):
    """No setting of the machine's own: no variables, no files."""
    for name in [name for name in indexes.os.environ if name.upper().startswith(("PIP_", "UV_", "HTTP"))]:
        monkeypatch.delenv(name)
    for name in ("ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", indexes.os.devnull)


@pytest.fixture
def closed():
    """A port of this computer where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_folder_with_spaces_becomes_an_address(tmp_path):
    folder = tmp_path / "mes paquets, été"
    folder.mkdir()
    assert find_links(str(folder), tmp_path) == folder.as_uri()
    assert " " not in folder.as_uri()
    assert find_links("mes paquets, été", tmp_path) == folder.as_uri()
    assert find_links(folder.as_uri(), tmp_path) == folder.as_uri()


def test_lab_installs_from_a_folder_alone(tmp_path, monkeypatch):
    folder = tmp_path / "mes roues, été"
    folder.mkdir()
    (folder / "a-1.0-py3-none-any.whl").touch()
    settings = []

    def ensure(environment, **options):
        settings.append(dict(indexes.os.environ))
        raise CourseError("enough")

    monkeypatch.setattr(commands, "ensure", ensure)
    monkeypatch.setattr(commands, "can_go_on", lambda *arguments: False)
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):  # taken back when the test ends
        monkeypatch.setenv(name, "")
    assert commands.main(["lab", "--from", str(folder)]) == 1
    assert settings[0]["PIP_NO_INDEX"] == "1"
    assert find_links(settings[0]["PIP_FIND_LINKS"], tmp_path) == folder.as_uri()


@pytest.mark.parametrize("name", ["empty", "not there"])
def test_a_folder_without_wheels_is_said_before_anything_is_installed(tmp_path, monkeypatch, capsys, name):
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(commands, "ensure", lambda environment, **options: pytest.fail("it went on"))
    assert commands.main(["lab", "--from", str(tmp_path / name)]) == 1
    assert "no folder with wheels" in capsys.readouterr().err
    assert "PIP_NO_INDEX" not in indexes.os.environ


def test_several_places_stay_as_they_are(tmp_path):
    (tmp_path / "wheels").mkdir()
    places = f"{tmp_path / 'wheels'} https://example.org/more"
    assert find_links(places, tmp_path) == places


def test_a_place_that_is_not_there_is_said_with_the_way_to_write_it(tmp_path):
    (tmp_path / "my wheels").mkdir()
    (tmp_path / "more").mkdir()
    with pytest.raises(CourseError, match=r"names \S*/my, which is not there[\s\S]*my%20wheels"):
        find_links(f"{tmp_path / 'my wheels'} {tmp_path / 'more'}", tmp_path)


@pytest.mark.parametrize(("value", "switched"), [("1", True), ("true", True), ("0", False), ("false", False)])
def test_pips_switch_is_read_as_pip_does(tmp_path, monkeypatch, value, switched):
    monkeypatch.setenv("PIP_NO_INDEX", value)
    assert ("no-index" in pip_settings(sys.executable, tmp_path)) is switched


def test_without_pip_its_variables_count(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://example.org/simple")
    (tmp_path / "pip.py").write_text("raise SystemExit(1)", "utf-8")
    assert pip_settings(sys.executable, tmp_path)["index-url"] == "https://example.org/simple"


def test_a_host_that_does_not_answer_is_named(tmp_path, closed):
    settings = {"index-url": f"http://127.0.0.1:{closed}/simple"}
    assert silent_host(settings, sys.executable, tmp_path) == "127.0.0.1"
    assert silent_host(settings | {"no-index": "1"}, sys.executable, tmp_path) is None


@pytest.mark.parametrize("index", ["file:///somewhere/simple", "/somewhere/simple"])
def test_an_index_on_this_computer_is_not_asked(tmp_path, index):
    assert silent_host({"index-url": index}, sys.executable, tmp_path) is None


def test_the_proxy_is_asked_in_place_of_the_index(tmp_path, monkeypatch, closed):
    settings = {"index-url": "https://index.invalid/simple"}
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = f"127.0.0.1:{proxy.getsockname()[1]}"
        assert silent_host(settings | {"proxy": address}, sys.executable, tmp_path) is None
        monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
        assert silent_host(settings, sys.executable, tmp_path) is None
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed}")
    assert silent_host(settings, sys.executable, tmp_path) == "127.0.0.1"


def test_a_look_up_that_hangs_is_given_up(monkeypatch):
    end = threading.Event()

    def hang():
        end.wait(600)
        raise OSError("no host of this name")

    monkeypatch.setattr(indexes, "SECONDS", 0.1)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: hang())
    assert not answers("index.invalid", 443)
    end.set()


def test_pip_says_which_index_it_takes_where_none_is_named(tmp_path):
    assert default_index(sys.executable, tmp_path).startswith("https://")
