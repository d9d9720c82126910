"""The way out of every mail: a link that needs no sign-in, and switches one topic off."""

from typing import Any

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.notices import rules, store
from cloud_relay.relay import RelayDep
from cloud_relay.web.language import language_of
from cloud_relay.web.principal import Anyone, Principal
from cloud_relay.web.problems import not_found
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(include_in_schema=False)


def _switch(connection: Connection, mail_key: str, topic: str, *, is_off: bool) -> dict[str, Any]:
    account_id = store.account_of_mail_key(connection, mail_key)
    if account_id is None or topic not in rules.TOPICS:
        raise not_found()
    if is_off:
        store.choose(connection, account_id, topic, {"by_mail": False})
    is_on = store.choices_of(connection, account_id)[topic].by_mail
    english, chinese = rules.TOPICS[topic]
    return {"title": {"en": english, "zh": chinese}, "is_on": is_on}


@router.get("/unsubscribe/{mail_key}/{topic}")
async def unsubscribe(mail_key: str, topic: str, request: Request, relay: RelayDep, principal: Anyone) -> Response:
    """Ask before switching off: mail scanners open links, and must not unsubscribe anybody."""
    found = await relay.db.run(_switch, mail_key, topic, is_off=False)
    return render(request, principal, "unsubscribe.html", **found)


@router.post("/unsubscribe/{mail_key}/{topic}")
async def confirm(mail_key: str, topic: str, request: Request, relay: RelayDep) -> Response:
    """Switch the topic off: by the page's button, or by a mail program's one click (RFC 8058) from anywhere."""
    found = await relay.db.run(_switch, mail_key, topic, is_off=True)
    return render(request, Principal(language=language_of(request)), "unsubscribe.html", **found)
