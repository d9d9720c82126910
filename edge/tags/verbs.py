"""The verbs of the control socket about printings of tags."""

from typing import Any

from edge.control_socket import TalkingVerb, Verb
from edge.tags.printing import TagPrinter


def tag_verbs(tags: TagPrinter) -> dict[str, Verb | TalkingVerb]:
    """Return `tags` (what is not over) and `stop_tags`."""

    async def listed(_asked: dict[str, Any]) -> Any:
        return await tags.list()

    async def stop(asked: dict[str, Any]) -> Any:
        await tags.stop(str(asked.get("job_id", ""))[:64])
        return await tags.list()

    return {"tags": listed, "stop_tags": stop}
