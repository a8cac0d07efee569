"""Does something for many items at once, so that an item on which the connector breaks does not stop the others."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from shared.errors import ConnectorError, DataError

Item = TypeVar("Item")

MANY = 10
"""If so many items break and none works, the cause is no single item."""


async def isolated(
    items: Sequence[Item],
    act: Callable[[Sequence[Item]], Awaitable[None]],
    set_aside: Callable[[Item, Exception], Awaitable[None]],
) -> None:
    """Act on all items; where that breaks, find the items by halving and set them aside. `act` may see items twice.

    Raises what concerns all of them: ConnectorErrors but for DataErrors (a service is out of reach, or an administrator
    must act), and a defect that breaks everything.
    """
    search = _Search(act)
    await search.among(items)
    for item, error in search.culprits:
        await set_aside(item, error)


class _Search(Generic[Item]):
    def __init__(self, act: Callable[[Sequence[Item]], Awaitable[None]]) -> None:
        self._act = act
        self._works = False
        self.culprits: list[tuple[Item, Exception]] = []

    async def among(self, items: Sequence[Item]) -> None:
        if not items:
            return
        try:
            await self._act(items)
        except Exception as error:
            if isinstance(error, ConnectorError) and not isinstance(error, DataError):
                raise
            if len(items) > 1:
                middle = len(items) // 2
                await self.among(items[:middle])
                await self.among(items[middle:])
                return
            self.culprits.append((items[0], error))
            if len(self.culprits) >= MANY and not self._works:
                raise
        else:
            self._works = True
