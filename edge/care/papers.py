"""The box's papers: whether it is enrolled, and how long its certificate still holds."""

from datetime import datetime

from cryptography import x509

from edge.care.lines import Finding, Verdict, line, ok
from edge.identity import Identity

LATE_DAYS = 7
"""Renewal begins with ten days left and is tried every minute: with a week left, three days of trying failed."""

GRACE_DAYS = 365
"""How long after its end the relay's door still renews a certificate for its own key."""

_ASK = ("look at the lines of link and relay; the box renews by itself", "请看 link 和 relay 两行；证书会自动续期")


def look_at_certificate(identity: Identity, now: datetime) -> Finding:
    """Days left of the box's certificate; BAD before enrolment and when the clock lies outside its life."""
    try:
        if not identity.is_enrolled:
            todo = (
                "get a claim from the merchant's page, then: vitrine-edge enrol CLAIM",
                "请取认领码并运行 vitrine-edge enrol",
            )
            return line("certificate", Verdict.BAD, ("this box is not enrolled", "本机尚未登记"), todo)
        certificate = x509.load_pem_x509_certificate(identity.certificate_path.read_bytes())
        is_ours = certificate.public_key() == identity.private_key().public_key()
    except PermissionError:
        return unreadable("certificate")
    except (OSError, ValueError):
        is_ours, certificate = False, None
    if certificate is None or not is_ours:
        todo = ("restore a backup, or enrol the box again", "请恢复备份，或重新登记本机")
        return line("certificate", Verdict.BAD, ("key and certificate do not fit", "密钥与证书不匹配"), todo)
    return _judge(certificate.not_valid_before_utc, certificate.not_valid_after_utc, now)


def _judge(began_at: datetime, until: datetime, now: datetime) -> Finding:
    days = (until - now).total_seconds() / 86400
    facts = {"days_left": round(days, 1)}
    if now < began_at:
        todo = ("set this box's clock (timedatectl)", "请校准本机时钟（timedatectl）")
        return line("certificate", Verdict.BAD, ("begins in the future", "证书尚未生效"), todo, facts=facts)
    if days <= -GRACE_DAYS:
        todo = (
            "enrol the box again with a new claim: vitrine-edge enrol --again",
            "请用新认领码：vitrine-edge enrol --again",
        )
        return line("certificate", Verdict.BAD, ("ended over a year ago", "证书过期超过一年"), todo, facts=facts)
    if days <= 0:
        says = (f"ended {-days:.0f} days ago", f"证书已过期 {-days:.0f} 天")
        return line("certificate", Verdict.BAD, says, _ASK, facts=facts)
    says = (f"{days:.0f} days left", f"还有 {days:.0f} 天")
    if days < LATE_DAYS:
        return line(
            "certificate", Verdict.WARN, (f"{says[0]}, renewal is late", f"{says[1]}，续期已延误"), _ASK, facts=facts
        )
    return ok("certificate", *says, facts=facts)


def unreadable(check: str) -> Finding:
    """What to say when files may not be read by whoever asks."""
    return line(
        check, Verdict.UNKNOWN, ("you may not read the box's files", "无权读取本机文件"),
        ("run it as root: sudo vitrine-edge doctor", "请以 root 运行：sudo vitrine-edge doctor"),
    )  # fmt: skip
