"""drivers/README.md says what the code says: options with their comments, reason codes, models and their scale."""

import ast
import dataclasses
import importlib
import inspect
import re
from pathlib import Path

import pytest

from drivers.base import Driver
from drivers.registry import KINDS, find_driver

ROOT = Path(__file__).parents[2]
README = (ROOT / "drivers" / "README.md").read_text(encoding="utf-8")
FILES = sorted(
    path
    for path in (ROOT / "drivers").rglob("*.py")
    if "simulators" not in path.parts and "__pycache__" not in path.parts
)
MODELS = [
    (path.parent.name, path.stem) for path in FILES if path.parent.name in KINDS and not path.stem.startswith("_")
]
OPTION = re.compile(r"^    (\w+): ([^=#\n]+?)(?: = (.+?))?  # (.+)$", re.MULTILINE)


def test_every_model_is_found_and_is_of_its_kind():
    assert len(MODELS) >= 12
    for kind, model in MODELS:
        driver = find_driver(kind, model, "test")
        base = next(entry for entry in driver.__mro__ if entry.__module__ == f"drivers.{kind}")
        assert issubclass(base, Driver)
        assert driver.by_hand == (model in {"none", "cash", "qr"})


@pytest.mark.parametrize(("kind", "model"), MODELS)
def test_each_option_has_a_comment_and_stands_in_the_readme(kind, model):
    module = importlib.import_module(f"drivers.{kind}.{model}")
    options = module.DRIVER.Options
    assert options.__dataclass_params__.frozen
    assert hasattr(options, "__slots__")
    assert all(field.kw_only for field in dataclasses.fields(options))
    found = {match[1]: match for match in OPTION.finditer(inspect.getsource(options))}
    section = README.partition(f"### {kind}.{model}\n")[2].partition("\n### ")[0]
    for field in dataclasses.fields(options):
        _, kind_of, default, comment = found[field.name].groups()
        value = f"`{default}`" if default else "must be given"
        assert f"| `{field.name}` | {kind_of.strip()} | {value} | {comment} |" in section, field.name


@pytest.mark.parametrize(("kind", "model"), [entry for entry in MODELS if entry[1] != "none"])
def test_each_driver_says_its_source_and_how_far_it_is_proved(kind, model):
    text = importlib.import_module(f"drivers.{kind}.{model}").__doc__
    assert "Source:" in text
    assert "Scale:" in text
    assert find_driver(kind, model, "test").scale in " ".join(text.split())
    row = next(line for line in README.splitlines() if line.startswith(f"| {kind} | {model} |"))
    assert find_driver(kind, model, "test").scale in row


def reason_codes() -> set[str]:
    """Collect what the code gives as a reason: the second argument of an error, `reason=`, and tables of reasons."""
    found = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                values = node.args[1:2] if name.endswith("Error") or name == "__init__" else []
                values += [keyword.value for keyword in node.keywords if keyword.arg == "reason"]
                found |= {part for value in values for part in texts(value)}
            elif isinstance(node, ast.Assign) and {"reason", "REASONS", "STOPPED", "checks"} & names(node):
                found |= set(texts(node.value))
            elif isinstance(node, ast.FunctionDef) and node.name in {"reason", "_reason"}:
                found |= {part for entry in ast.walk(node) if isinstance(entry, ast.Return) for part in texts(entry)}
    return {word for word in found if re.fullmatch(r"[a-z]+(_[a-z]+)*", word)}


def names(node: ast.Assign) -> set[str]:
    return {target.id for target in node.targets if isinstance(target, ast.Name)}


def texts(node: ast.AST) -> list[str]:
    return [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]


def test_every_reason_code_is_in_the_table_in_both_languages():
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| ([^\n]*) \|$", README.partition("| reason |")[2], re.MULTILINE))
    codes = reason_codes()
    assert {"paper_out", "not_homed", "film_out", "silent", "no_signal", "standby"} <= codes
    assert codes - rows.keys() == set()
    assert rows.keys() - codes == set(), "no driver gives these"
    assert all(re.search(r"[\u4e00-\u9fff]", row) for row in rows.values())
