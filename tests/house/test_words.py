"""One word per thing: names that cross a border against GLOSSARY.md's last column."""

import ast
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase

from tests.house.sources import PACKAGES, ROOT, python_files, tree

EXCEPTIONS = tomllib.loads((ROOT / "tests" / "words.toml").read_text(encoding="utf-8"))["exception"]


def forbidden_words() -> dict[str, str]:
    """Return each word of the column "Not" with the term to use instead; what stands in brackets explains it."""
    found = {}
    for row in (ROOT / "GLOSSARY.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if not row.startswith("|") or len(cells) != 4 or cells[0] in {"Term", "---"}:
            continue
        for phrase in re.sub(r"\([^)]*\)", "", cells[3]).split(","):
            word = "_".join(re.findall(r"[a-z]+", phrase.lower().replace("'s", "")))
            if word:
                found[word] = cells[0]
    return found


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def class_names() -> Iterator[str]:
    for path in python_files(*PACKAGES):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield f"class {module}.{node.name}"


def wire_fields() -> Iterator[str]:
    for path in python_files("wire"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                for entry in node.body:
                    if isinstance(entry, ast.AnnAssign) and isinstance(entry.target, ast.Name):
                        yield f"field {node.name}.{entry.target.id}"


def sql_names() -> Iterator[str]:
    """Yield tables and columns: SQLAlchemy's of the relay, and those written as CREATE TABLE."""
    from cloud_relay.tables import metadata  # noqa: PLC0415  # other tests of this folder run without the relay's packages

    for table in metadata.tables.values():
        yield f"table {table.name}"
        yield from (f"column {table.name}.{column.name}" for column in table.columns)
    for path in python_files(*PACKAGES):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for table, columns in re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)\s*\(([^;]*)", node.value):
                    yield f"table {table}"
                    yield from (
                        f"column {table}.{name}" for name in re.findall(r"(?:^|,|\()\s*([a-z_]+) [A-Z]+", columns)
                    )


def offences() -> Iterator[tuple[str, str, str]]:
    forbidden = forbidden_words()
    for names in (class_names(), wire_fields(), sql_names()):
        for name in sorted(set(names)):
            words = f"_{snake(name.rsplit('.', maxsplit=1)[-1].rsplit(' ', maxsplit=1)[-1])}_"
            for word, term in forbidden.items():
                if f"_{word}_" in words:
                    yield name, word, term


def _fits(entry: dict, name: str, word: str) -> bool:
    return word == entry["word"] and any(fnmatchcase(name, pattern) for pattern in entry["names"])


def test_the_glossary_is_read():
    words = forbidden_words()
    assert words["customer"].startswith("shopper")
    assert words["tracking_number"] == "SSCC"
    assert len(words) > 40


def test_each_thing_has_its_word():
    wrong = [
        f"{name}: {word!r} is not our word, see {term!r} in GLOSSARY.md"
        for name, word, term in offences()
        if not any(_fits(entry, name, word) for entry in EXCEPTIONS)
    ]
    assert not wrong, "\n".join(wrong)


def test_each_exception_has_a_reason_and_a_use():
    found = list(offences())
    for entry in EXCEPTIONS:
        assert entry["reason"].strip(), entry
        for pattern in entry["names"]:
            used = [name for name, word, _ in found if _fits({**entry, "names": [pattern]}, name, word)]
            assert used, f"tests/words.toml: {pattern!r} excuses nothing"
