"""Registers the HTTP functions: one for each route of the table, and those of the console.

The module with a function is imported at its first call. So a new instance is ready before the libraries of all routes
are loaded, and an instance that serves a queue never loads them.
"""

from importlib import import_module

import azure.functions as func

from shared.triggers.http.access import CONSOLE, PREFIX, ROUTES, Handler, level_of, sign_in_is_on

blueprint = func.Blueprint()


def imported_at_first_call(module: str, name: str) -> Handler:
    """Return a function that calls `name` of a module of `triggers/routes/`."""

    async def answer(req: func.HttpRequest) -> func.HttpResponse:
        handler: Handler = getattr(import_module(f"shared.triggers.routes.{module}"), name)
        return await handler(req)

    return answer


for _name, _route in ROUTES.items():
    blueprint.function_name(_name)(
        blueprint.route(
            f"{PREFIX}{_route.path}",
            methods=[_route.method],
            auth_level=level_of(_route.role, sign_in=sign_in_is_on()),
        )(imported_at_first_call(_route.module, _name))
    )

for _name, _path in CONSOLE.items():
    blueprint.function_name(_name)(
        blueprint.route(
            _path, methods=[func.HttpMethod.GET, func.HttpMethod.POST], auth_level=func.AuthLevel.ANONYMOUS
        )(imported_at_first_call("console_pages", "console"))
    )
