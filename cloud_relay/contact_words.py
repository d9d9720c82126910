"""Finds ways to reach a person outside the house in what somebody typed: phone, mail, messenger, link. Pure.

Strangers meet where people look together and order together. What they agree on elsewhere nobody holds money for, so a
message that carries such data is not passed on, and its sender reads why. Rules of this kind can be talked around;
they keep honest people from mistakes and make the rest slow.
"""

import re
import unicodedata
from enum import StrEnum

from cloud_relay.refusals import RefusedError


class ContactKind(StrEnum):
    """What kind of contact data was found."""

    PHONE = "phone"
    MAIL = "mail"
    MESSENGER = "messenger"
    LINK = "link"


SENTENCES = {
    ContactKind.PHONE: ("This looks like a phone number.", "这像是电话号码。"),
    ContactKind.MAIL: ("This looks like an e-mail address.", "这像是电子邮箱。"),
    ContactKind.MESSENGER: ("This looks like a name on a messenger.", "这像是即时通讯账号。"),
    ContactKind.LINK: ("This looks like a link to somewhere else.", "这像是外部链接。"),
}
WHY = (
    "Nothing was sent: people meet here under their nicknames, and money is held only for what is bought here.",
    "消息未发送：为了大家的安全，这里只用昵称交流；也只有在这里成交，货款才由平台代管。",
)

_HAN_DIGITS = str.maketrans("〇零一二两三四五六七八九幺壹贰叁肆伍陆柒捌玖", "0012234567891123456789")
"""Digits as Chinese words, everyday and financial; 幺 is how a 1 is read aloud in a number."""

_BETWEEN = r"[\s\-–—_.·•,，、/|*~()（）]{0,3}"
"""What people put between digits to hide a number, or to make it readable."""

_MAINLAND_MOBILE = rf"(?:(?:\+|00)?{_BETWEEN}8{_BETWEEN}6{_BETWEEN})?1{_BETWEEN}[3-9](?:{_BETWEEN}\d){{9}}"
"""Eleven digits from 13 to 19 (the ministry's numbering plan), with the country's 86 or without."""

_ABROAD = rf"(?:\+|(?<!\d)00){_BETWEEN}[1-9](?:{_BETWEEN}\d){{7,13}}"
"""An international number: + or 00, then 8 to 14 digits (ITU-T E.164 allows 15)."""

_TRUNK = rf"(?<!\d)0[1-9](?:{_BETWEEN}\d){{7,10}}"
"""A number as dialled inside a country that writes its trunk 0: China's 010 and 0755, Germany's 030 and 0171."""

_BARE = r"(?<!\d)\d{9,12}"
"""So many digits in one word are no price, size or year. GTIN has 13 and 14, SSCC 18: those may be named."""

_END = r"(?!\d)"
_PHONE = re.compile(rf"(?<!\d)(?:{_MAINLAND_MOBILE}){_END}|(?:{_ABROAD}){_END}|(?:{_TRUNK}){_END}|{_BARE}{_END}")
_DATE = re.compile(r"(?<!\d)(?:19|20)\d\d[-/.年](?:0?[1-9]|1[0-2])[-/.月](?:0?[1-9]|[12]\d|3[01])日?(?!\d)")

_TLD = (
    "com|cn|net|org|de|eu|io|me|co|cc|top|xyz|shop|site|online|app|vip|link|club|info|biz|uk|fr|nl|at|ch|hk|tw|jp|kr|ru"
)
_AT = r"\s*(?:@|\(at\)|\[at\]|\{at\}|艾特)\s*"
_DOT = r"\s*(?:\.|\(dot\)|\[dot\]|\{dot\}|\sdot\s|。|点)\s*"
_MAIL = re.compile(
    rf"[\w.+-]+{_AT}[\w-]+(?:{_DOT}[\w-]+)*{_DOT}(?:{_TLD})(?![a-z])"
    rf"|[\w.+-]+\s+at\s+[\w-]+(?:\s+dot\s+[\w-]+)*\s+dot\s+(?:{_TLD})(?![a-z])"
)
_LINK = re.compile(rf"\w+://\S|www\.\w|(?<![\w@.-])(?:[a-z0-9-]+\.)+(?:{_TLD})(?![\w.-]*\w*@)(?=$|[^\w.-]|\.(?:\s|$))")
_OURS = r"https?://{host}(?:[/?#]\S*|(?=\s|$))"
"""A link to ourselves: after the host comes a path or nothing, so that `our.host.evil.example` is none."""

_NAMES = (
    r"微\s*信|威信|薇信|维信|徽信|weixin|we\s?chat|(?<![a-z])wx(?![a-z])|(?<![a-z])vx(?![a-z])|[v微]信|加\s*[v微薇]|➕\s*[v微]"
    r"|扣扣|抠抠|企鹅号|(?<![a-z])q\s?q(?![a-z])|q号|whats\s?app|telegram|(?<![a-z])tg(?![a-z])|(?<![a-z])line(?=\s?(?:id|[:：]))"
    r"|signal(?=\s?[:：])|skype|instagram|(?<![a-z])ig(?=\s?[:：@])|小红书号|抖音号|支付宝账号"
)
_SAYS = r"\s*(?:号码|账号|帐号|号|id|is|是|为|就是|名)?\s*[:：=＝>→]*\s*"
_MESSENGER = re.compile(
    rf"(?:{_NAMES})(?:"
    rf"{_SAYS}(?:[a-z][\w-]*[\d_-][\w-]*|\d(?:{_BETWEEN}\d){{4,}})"  # a name with a digit in it, or a number
    rf"|\s*(?:号码|账号|帐号|号|id|名)?\s*[:：=＝@]+\s*@?[a-z][\w-]{{3,}}"  # any name that a colon announces
    rf"|\s*(?:号码|账号|帐号|号|id)\s*(?:是|is)?\s*[a-z][\w-]{{4,}})"
)


def plain(text: str) -> str:
    """Return text as the rules read it: full-width and enclosed forms made plain (NFKC), lower case, nothing unseen."""
    made_plain = unicodedata.normalize("NFKC", text).lower()
    return "".join(one for one in made_plain if unicodedata.category(one) not in ("Cf", "Mn", "Me"))


def find_contact(text: str, our_host: str = "") -> ContactKind | None:
    """Return the first kind of contact data in a text, or None. Links to `our_host` (`host` or `host:port`) pass."""
    words = plain(text)
    if our_host:
        words = re.sub(_OURS.format(host=re.escape(our_host.lower())), " ", words)
    if _MAIL.search(words):
        return ContactKind.MAIL
    counted = _DATE.sub(" ", words.translate(_HAN_DIGITS))
    if _MESSENGER.search(counted) or _MESSENGER.search(words):
        return ContactKind.MESSENGER
    if _LINK.search(words):
        return ContactKind.LINK
    return ContactKind.PHONE if _PHONE.search(counted) else None


def refuse_contact(text: str, our_host: str = "") -> str:
    """Return the text; raise RefusedError (422, `kind`) when it carries contact data."""
    kind = find_contact(text, our_host)
    if kind is not None:
        en, zh = SENTENCES[kind]
        raise RefusedError("contact_data", f"{en} {WHY[0]}", f"{zh}{WHY[1]}", status=422, kind=kind.value)
    return text
