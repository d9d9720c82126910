"""Routes that are worked out when they are first asked for.

FastAPI works a route out where it is declared (signature, validators, models): two milliseconds each, most of a relay's
start, though a process that is asked for five pages uses ten of the four hundred. Here a declared route knows its path
and its methods; the rest is made by the first request that is meant for it, or by whoever looks (the OpenAPI page).
"""

from collections.abc import Callable, Iterable
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Match, compile_path
from starlette.types import Scope


class LateRoute(APIRoute):
    """A route as FastAPI's; what FastAPI says against its declaration it says at the first look."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.path, self.endpoint = path, endpoint
        self.name = options.get("name") or endpoint.__name__
        self.methods = {method.upper() for method in options.get("methods") or ["GET"]}
        self.include_in_schema = options["include_in_schema"]
        self._fixed, brace, _ = path.partition("{")
        self._is_fixed = not brace
        self._options: dict[str, Any] | None = options

    def __getattr__(self, name: str) -> Any:
        """Make what was left out; Python asks here only for what is not there."""
        if name.startswith("__") or "_options" not in self.__dict__:
            raise AttributeError(name)  # a copy that is being made has nothing yet
        if name in {"path_regex", "path_format", "param_convertors"}:
            self.path_regex, self.path_format, self.param_convertors = compile_path(self.path)
        elif self._options is not None:
            self._work_out(self._options)
        return object.__getattribute__(self, name)

    def _work_out(self, options: dict[str, Any]) -> None:
        self._options = None  # what FastAPI itself looks for in vain is not looked for again
        try:
            super().__init__(self.path, self.endpoint, **options)
        except Exception as error:
            self._options = options
            raise RuntimeError(f"the route {self.path} cannot be worked out: {error}") from error

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Look at the fixed beginning first: most of four hundred routes go by without a pattern."""
        if not scope.get("root_path"):
            path = scope["path"]
            if path != self._fixed if self._is_fixed else not path.startswith(self._fixed):
                return Match.NONE, {}
        return super().matches(scope)


class Router(APIRouter):
    """A room's routes; the application takes them as they are, so a prefix stands here and nowhere else."""

    def __init__(self, *, prefix: str = "", include_in_schema: bool = True) -> None:
        super().__init__(prefix=prefix, include_in_schema=include_in_schema, route_class=LateRoute)


def share(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Serve the routers' own routes, which know no relay; `include_router` works each of them out a second time."""
    for router in routers:
        app.router.routes.extend(router.routes)
