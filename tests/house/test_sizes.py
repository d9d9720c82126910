"""A file fits the head and a function the screen: at most 500 and 70 lines."""

import ast

from tests.house.sources import ROOT, python_files, tree

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70


def test_no_file_is_too_long():
    lengths = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in python_files()}
    assert lengths
    assert {path: lines for path, lines in lengths.items() if lines > FILE_LINES_MAX} == {}


def test_no_function_is_too_long():
    offenders = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in python_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
    }
    assert offenders == {}


def test_no_name_says_nothing():
    empty = {"utils", "util", "helpers", "helper", "common", "manager", "core", "misc"}
    assert [str(p.relative_to(ROOT)) for p in python_files() if {p.stem, *p.relative_to(ROOT).parts[:-1]} & empty] == []
