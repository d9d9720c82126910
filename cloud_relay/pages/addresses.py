"""What address forms are made of: the countries to which a parcel may go, and an address not yet written."""

from typing import Any

COUNTRIES: tuple[tuple[str, str, str], ...] = (
    ("CN", "China", "中国"),
    ("HK", "Hong Kong", "中国香港"),
    ("MO", "Macao", "中国澳门"),
    ("TW", "Taiwan", "中国台湾"),
    ("AT", "Austria", "奥地利"),
    ("AU", "Australia", "澳大利亚"),
    ("BE", "Belgium", "比利时"),
    ("CA", "Canada", "加拿大"),
    ("CH", "Switzerland", "瑞士"),
    ("CZ", "Czechia", "捷克"),
    ("DE", "Germany", "德国"),
    ("DK", "Denmark", "丹麦"),
    ("ES", "Spain", "西班牙"),
    ("FI", "Finland", "芬兰"),
    ("FR", "France", "法国"),
    ("GB", "United Kingdom", "英国"),
    ("IE", "Ireland", "爱尔兰"),
    ("IT", "Italy", "意大利"),
    ("JP", "Japan", "日本"),
    ("KR", "South Korea", "韩国"),
    ("MY", "Malaysia", "马来西亚"),
    ("NL", "Netherlands", "荷兰"),
    ("NO", "Norway", "挪威"),
    ("NZ", "New Zealand", "新西兰"),
    ("PL", "Poland", "波兰"),
    ("PT", "Portugal", "葡萄牙"),
    ("SE", "Sweden", "瑞典"),
    ("SG", "Singapore", "新加坡"),
    ("TH", "Thailand", "泰国"),
    ("US", "United States", "美国"),
    ("VN", "Vietnam", "越南"),
)
"""ISO 3166-1 alpha-2 code, English and Chinese name."""

NO_ADDRESS: dict[str, Any] = {
    "name": "", "lines": ["", ""], "postal_code": "", "city": "", "country": "CN", "phone": "",
}  # fmt: skip
