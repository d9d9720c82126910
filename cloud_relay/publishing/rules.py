"""A table of goods as merchants write it: decoded, split, and every line judged. Pure."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloud_relay.catalog.rules import PRICE_MINOR_MAX, check_listing
from cloud_relay.publishing.variant_lines import AXES, VariantLines
from cloud_relay.refusals import RefusedError
from wire.values import BadValueError, clean_text

LINES_MAX = 10_000
"""Written in one transaction, for which every other writer waits: about three seconds of a small machine."""
BYTES_MAX = 4 * 1024 * 1024
"""400 bytes for each of so many lines: titles in both languages and a few sentences."""
FAULTS_MAX = 500
"""Shown; nobody corrects more by reading a page. All are counted."""
PIECES_MAX = 200
"""Pieces in one line, as in one delivery."""
STOCK_MAX = 1_000_000
WEIGHT_G_MAX = 100_000
FORMULA_SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r")
"""By which spreadsheets know a formula (OWASP, CSV injection); the wide ones are taken for it in Chinese and Japanese.

They are refused rather than changed: whoever opens the table after us would run them all the same.
"""

COLUMNS: dict[str, tuple[str, ...]] = {
    "sku": ("sku", "code", "货号", "商品编码", "编码"),
    "title_zh": ("title_zh", "name_zh", "名称", "中文名称", "标题", "中文标题"),
    "title_en": ("title_en", "name_en", "title", "name", "英文名称", "英文标题"),
    "price": ("price", "价格", "售价", "单价"),
    "on_hand": ("on_hand", "stock", "quantity", "库存", "数量"),
    "pieces": ("pieces", "piece_codes", "单件", "单件编号"),
    "gtin": ("gtin", "ean", "barcode", "条码", "条形码"),
    "weight_g": ("weight_g", "weight", "重量", "重量克"),
    "description_zh": ("description_zh", "描述", "中文描述"),
    "description_en": ("description_en", "description", "英文描述"),
    "style": ("style", "款式", "样式"),
    "size": ("size", "尺码", "尺寸", "规格"),
    "colour": ("colour", "color", "颜色"),
}
"""Known columns by the words that may stand above them, in any order and case; the first is ours."""
NEEDED = ("sku", "price")
_NAME_OF = {word: name for name, words in COLUMNS.items() for word in words}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong in a line of the file (the head is line 1), in which column, and what to do about it."""

    line: int
    column: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What was read: rows that could be written, or the faults that keep all of them from it."""

    encoding: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def _unreadable(en: str, zh: str) -> RefusedError:
    return RefusedError("bad_table", en, zh, 422)


def decode(content: bytes) -> tuple[str, str]:
    """Return (text, encoding) of a table: UTF-8, UTF-16 with its mark, or GB 18030 (GBK and GB 2312 are parts of it).

    RefusedError for anything else, for too many bytes and for an empty file.
    """
    if len(content) > BYTES_MAX:
        size = BYTES_MAX // (1024 * 1024)
        raise _unreadable(
            f"At most {size} MB: {LINES_MAX:,} lines of goods fit in it; split the table",
            f"文件不得超过 {size} MB（约 {LINES_MAX:,} 行），请拆分后上传",
        )
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise _unreadable("This is a workbook: save it as CSV first", "这是 Excel 工作簿，请另存为 CSV 后上传")
    encodings = ["utf-16"] if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text and text.strip():
            return text, "utf-8" if encoding == "utf-8-sig" else encoding
    raise _unreadable(
        "The file is empty, or neither UTF-8 nor GBK text: save it as CSV (UTF-8)",
        "文件为空，或既不是 UTF-8 也不是 GBK 文本：请另存为 CSV (UTF-8)",
    )


def read_table(content: bytes, digits: int, known_skus: Sequence[str], known_codes: Sequence[str]) -> Table:
    """Return a table with every line judged; `digits` are the currency's minor digits, `known_…` the shop's own."""
    text, encoding = decode(content)
    head, lines = _split(text)
    names, faults = _columns(head)
    if faults:
        return Table(encoding=encoding, faults=faults)
    judge = _Judge(names, digits, known_skus, known_codes)
    for line, cells in lines:
        judge.take(line, cells)
    judge.faults.sort(key=lambda fault: fault.line)
    if not judge.rows and not judge.faults:
        fault = Fault(line=2, column="", en="There is no line of goods below the head", zh="表头下没有货品")
        return Table(encoding=encoding, faults=[fault])
    return Table(encoding=encoding, rows=[] if judge.faults else judge.rows, faults=judge.faults)


def _split(text: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Return the head's cells and the (line number, cells) below it; the sign between cells is the head's commonest."""
    first = text.lstrip("\r\n").partition("\n")[0]
    sign = max((",", ";", "\t"), key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign, strict=True)
    found: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((reader.line_num, [cell.strip() for cell in cells]))
            if len(found) > LINES_MAX + 1:
                raise _unreadable(
                    f"More than {LINES_MAX:,} lines: they are written at once while others wait; split the table",
                    f"超过 {LINES_MAX:,} 行：需一次写入，请拆分后上传",
                )
    except csv.Error as error:
        raise _unreadable(
            f"Line {reader.line_num} cannot be split into cells ({error}): is a quotation mark missing?",
            f"第 {reader.line_num} 行无法拆分：是否缺少引号？",
        ) from None
    if not found:
        raise _unreadable(
            "Every cell is empty: write the names of the columns in the first line, and the goods below it",
            "所有单元格均为空：请在第一行填写列名，并在其下填写货品",
        )
    return found[0][1], iter(found[1:])


def _columns(head: Sequence[str]) -> tuple[list[str], list[Fault]]:
    names, faults = [], []
    for cell in head:
        name = _NAME_OF.get(re.sub(r"[\s-]+", "_", cell.strip().lower()), "")
        if not name and cell:
            known = ", ".join(COLUMNS)
            faults.append(_fault(1, cell[:40], f"Unknown column; known are {known}", "未知的列，请对照模板"))
        if name and name in names:
            faults.append(_fault(1, cell[:40], "This column stands twice", "该列重复"))
        names.append(name)
    lacking = [name for name in NEEDED if name not in names]
    if not {"title_en", "title_zh"} & set(names):
        lacking.append("title_zh")
    faults += [_fault(1, name, "This column is missing", f"缺少该列（{COLUMNS[name][-1]}）") for name in lacking]
    return names, faults


def _fault(line: int, column: str, en: str, zh: str) -> Fault:
    return Fault(line=line, column=column, en=en, zh=zh)


class _Judge:
    """Judges line after line and knows what stood before, so that a number comes once."""

    def __init__(
        self, names: Sequence[str], digits: int, known_skus: Sequence[str], known_codes: Sequence[str]
    ) -> None:
        self._names, self._digits = names, digits
        self._skus: dict[str, int] = dict.fromkeys(known_skus, 0)
        self._codes: dict[str, int] = dict.fromkeys(known_codes, 0)
        self._gtins: dict[str, int] = {}
        self._variants = VariantLines()
        self.rows: list[dict[str, Any]] = []
        self.faults: list[Fault] = []

    def take(self, line: int, cells: Sequence[str]) -> None:
        before = len(self.faults)
        if len(cells) > len(self._names) and any(cells[len(self._names) :]):
            self._add(line, "", "More cells than columns: is a comma in a text without quotation marks?",
                      "单元格多于列：文字中的逗号是否未加引号？")  # fmt: skip
            return
        given = {name: cell for name, cell in zip(self._names, cells, strict=False) if name and cell}
        for name, cell in given.items():
            if cell.startswith(FORMULA_SIGNS):
                self._add(line, name, f"Begins with “{cell[0]}”, as a formula does: begin with a letter or digit",
                          f"以“{cell[0]}”开头，会被当作公式：请以文字或数字开头")  # fmt: skip
        if len(self.faults) > before:
            return
        row = self._row(line, given)
        if len(self.faults) == before:
            self.rows.append(row)

    def _row(self, line: int, given: Mapping[str, str]) -> dict[str, Any]:
        row: dict[str, Any] = {"line": line, "pieces": self._pieces(line, given.get("pieces", ""))}
        row["sku"] = self._once(line, "sku", given.get("sku", ""), self._skus)
        if not (given.get("title_en") or given.get("title_zh")):
            self._add(line, "title_zh", "A title in one language at least", "至少填写一种语言的标题")
        row["price_minor"] = self._price(line, given.get("price", ""))
        row["on_hand"] = max(self._whole(line, "on_hand", given, STOCK_MAX), len(row["pieces"]))
        row["weight_g"] = self._whole(line, "weight_g", given, WEIGHT_G_MAX)
        for name in ("title_en", "title_zh", "description_en", "description_zh", "gtin"):
            row[name] = self._checked(line, name, given.get(name, ""))
        if row["gtin"]:
            self._once(line, "gtin", row["gtin"], self._gtins)
        self._choose(line, row, given)
        return row

    def _choose(self, line: int, row: dict[str, Any], given: Mapping[str, str]) -> None:
        """Put a line to the lines of its listing; a variant's stock is its pieces, so those without a code get one."""
        for column, en, zh in self._variants.take(row, {name: given.get(name, "") for name in AXES}):
            self._add(line, column, en, zh)
        if not row["choices"] or self._skus.get(row["sku"]) != line:
            return
        if row["on_hand"] > PIECES_MAX:
            self._add(line, "on_hand", f"At most {PIECES_MAX} of a variant in a line", f"每行每款最多 {PIECES_MAX} 件")
            return
        for number in range(len(row["pieces"]) + 1, row["on_hand"] + 1):
            row["pieces"].append(f"{row['sku']}-{number}")
            self._code(line, row["pieces"][-1])

    def _add(self, line: int, column: str, en: str, zh: str) -> None:
        self.faults.append(_fault(line, column, en, zh))

    def _once(self, line: int, column: str, value: str, seen: dict[str, int]) -> str:
        if not value:
            self._add(line, column, "Must not be empty", "不能为空")
        elif value in seen:
            where = seen[value]
            en = f"{value[:60]} stands in line {where} already" if where else f"The shop has {value[:60]} already"
            zh = f"{value[:60]} 与第 {where} 行重复" if where else f"店里已有 {value[:60]}"
            self._add(line, column, en, zh)
        else:
            seen[value] = line
        return self._checked(line, column, value) if column == "sku" else value

    def _checked(self, line: int, name: str, value: str) -> str:
        try:
            return str(check_listing({name: value})[name]) if value else ""
        except BadValueError as error:
            self._add(line, name, str(error).partition(": ")[2] or str(error), "内容无法接受，请检查字符、长度或校验位")
            return ""

    def _pieces(self, line: int, text: str) -> list[str]:
        codes = [one for one in re.split(r"[\s|;；，]+", text) if one]
        if len(codes) > PIECES_MAX:
            self._add(line, "pieces", f"At most {PIECES_MAX} pieces in a line", f"每行最多 {PIECES_MAX} 件")
            return []
        for code in codes:
            self._code(line, code)
        return codes

    def _code(self, line: int, code: str) -> None:
        try:
            clean_text(code, "pieces", 40)
        except BadValueError as error:
            self._add(line, "pieces", str(error), "编号无法接受（最长 40 个字符）")
        self._once(line, "pieces", code, self._codes)

    def _price(self, line: int, text: str) -> int:
        digits = self._digits
        pattern = rf"(\d{{1,13}})(?:[.,](\d{{1,{digits}}}))?" if digits else r"(\d{1,13})"
        found = re.fullmatch(pattern, text, re.ASCII)
        if not found:
            example = "1299" + ("." + "0" * digits if digits else "")
            self._add(line, "price", f"Not a price: write {example}, without thousands signs or currency",
                      f"价格格式有误：请写成 {example}，不带千分位和货币符号")  # fmt: skip
            return 0
        cents = (found[2] or "").ljust(digits, "0") if digits else ""
        amount = int(found[1] + cents)
        if not 0 < amount <= PRICE_MINOR_MAX:
            self._add(
                line,
                "price",
                "The price must be above zero and no more than anybody pays",
                "价格须大于零且在合理范围内",
            )
        return amount

    def _whole(self, line: int, name: str, given: Mapping[str, str], most: int) -> int:
        text = given.get(name, "0")
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or int(text) > most:
            self._add(line, name, f"A whole number from 0 to {most:,}", f"应为 0 至 {most:,} 的整数")
            return 0
        return int(text)
