"""What a technician, operator or contributor can write or meet is named in a document."""

import ast
import dataclasses
import importlib
import importlib.util
import re
from collections.abc import Iterator

import pytest

from tests.house.sources import ROOT, python_files, texts, tree


def documents(*names: str) -> str:
    """Return the text of the named documents, or of all Markdown and everything under config/."""
    return "\n".join(
        text
        for path, text in texts().items()
        if str(path) in names or (not names and (path.suffix == ".md" or path.parts[0] == "config"))
    )


def assert_named(things: list[str], text: str) -> None:
    unnamed = [thing for thing in things if not re.search(rf"(?<![\w-]){re.escape(thing)}(?![\w-])", text)]
    assert not unnamed, f"no document names {', '.join(unnamed)}"


def driver_models() -> list[tuple[str, str]]:
    return sorted(
        (path.parent.name, path.stem)
        for path in python_files("drivers")
        if len(path.relative_to(ROOT).parts) == 3 and path.parent.name != "simulators" and not path.stem.startswith("_")
    )


def subclasses(root: str, folder: str) -> list[str]:
    """Return the classes of a folder's modules that descend from `root`, as their texts say."""
    parents = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for path in python_files(folder)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
    }
    found = {root}
    while more := {name for name, bases in parents.items() if bases & found} - found:
        found |= more
    return sorted(found - {root})


def cli_commands(path: str) -> Iterator[str]:
    """Yield what Typer makes of functions decorated with `app.command(...)`: the given name, or the function's."""
    for node in ast.walk(tree(ROOT / path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "command":
                    words = [*mark.args, *(word.value for word in mark.keywords if word.arg == "name")]
                    given = [word.value for word in words if isinstance(word, ast.Constant)]
                    yield given[0] if given else node.name.replace("_", "-")


def dataclass_keys(module: str) -> list[str]:
    loaded = importlib.import_module(module)
    return sorted(
        {
            field.name
            for thing in vars(loaded).values()
            if dataclasses.is_dataclass(thing) and isinstance(thing, type) and thing.__module__ == module
            for field in dataclasses.fields(thing)
            if not field.name.startswith("_")
        }
    )


def test_every_key_of_the_shop_box_is_documented():
    from edge.config import SECTIONS, ViewingConfig  # noqa: PLC0415  # the other tests here run without the shop's packages

    for section in SECTIONS:
        assert re.search(rf"^\[{section}\]", documents(), re.MULTILINE), f"no example has a section [{section}]"
    keys = [field.name for kind in (*SECTIONS.values(), ViewingConfig) for field in dataclasses.fields(kind)]
    assert_named(keys, documents())


@pytest.mark.parametrize(("kind", "model"), driver_models())
def test_every_driver_and_its_options_are_documented(kind, model):
    driver = importlib.import_module(f"drivers.{kind}.{model}").DRIVER
    options = [field.name for field in dataclasses.fields(driver.Options)]
    assert_named([model, *options], documents())


def test_every_setting_of_the_relay_is_documented():
    assert_named(dataclass_keys("cloud_relay.settings"), documents())


@pytest.mark.parametrize("paths", ["edge/cli/*.py", "cloud_relay/cli.py"])
def test_every_command_is_documented(paths):
    commands = [command for path in sorted(ROOT.glob(paths)) for command in cli_commands(str(path.relative_to(ROOT)))]
    assert commands
    assert_named(commands, documents())


@pytest.mark.parametrize("root", ["Command", "Report"])
def test_every_wire_message_is_in_the_architecture(root):
    messages = subclasses(root, "wire")
    assert len(messages) > 20
    assert_named(messages, documents("ARCHITECTURE.md"))


def test_every_verb_of_the_launcher_is_in_the_readme():
    verbs = re.findall(r"^    ([a-z]+)\)$", (ROOT / "vitrine").read_text(encoding="utf-8"), re.MULTILINE)
    assert {"demo", "test", "bench", "check"} <= set(verbs)
    readme = documents("README.md")
    assert [verb for verb in verbs if f"./vitrine {verb}" not in readme] == []
