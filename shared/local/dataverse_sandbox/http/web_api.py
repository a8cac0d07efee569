"""The Web API behind HTTP: single requests and batches, each answered as a whole or refused as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shared.local.dataverse_sandbox.http import batch, headers
from shared.local.dataverse_sandbox.http.exchange import ApiRequest, ApiResponse, refusal
from shared.local.dataverse_sandbox.metadata.definitions import LatestDefinitions
from shared.local.dataverse_sandbox.organisation.caller import Caller
from shared.local.dataverse_sandbox.organisation.errors import WebApiError
from shared.local.dataverse_sandbox.organisation.organization import Organization
from shared.local.dataverse_sandbox.requests.call import Call
from shared.local.dataverse_sandbox.rows.writes import Saved

Fire = Callable[[Sequence[Saved], Caller], None]


@dataclass(frozen=True)
class WebApi:
    """Answers requests. `fire` receives the events of a request, or of a change set, after its success."""

    organization: Organization
    fire: Fire
    definitions: LatestDefinitions = field(default_factory=LatestDefinitions)

    async def handle(self, request: ApiRequest, caller: Caller) -> ApiResponse:
        """Answer one request, `$batch` included; refusals are answers too."""
        if request.path.strip("/").lower() != "$batch":
            return self.answer(request, caller, None)
        transaction = batch.Transaction(self.organization.store.transaction, self._commit)
        try:
            request.query.get("tag")  # a batch has no tag: its parts have their own
            caller = caller.within({}, request.headers, self.organization.store)
            plan = batch.read(request)
            headers.check(request.headers)
            request.query.refuse_unread()
            return await batch.run(plan, lambda inner, scope: self.answer(inner, caller, scope), transaction)
        except WebApiError as error:
            return refusal(error)

    def answer(self, request: ApiRequest, caller: Caller, scope: batch.ChangeSet | None) -> ApiResponse:
        """Answer one request that is no batch. In a change set, what was saved is kept in `scope`.

        A part of the request that no code read is refused at the end, and the writes are undone.
        """
        try:
            caller = caller.within(request.query, request.headers, self.organization.store)
            references = scope.references if scope else {}
            with self.organization.store.transaction():
                call = Call(self.organization, self.definitions.of, request, caller, references)
                response = call.answer()
                call.refuse_unread()
        except WebApiError as error:
            return refusal(error)
        if scope is not None:
            scope.keep(call.written, caller, call.writer.events)
        elif call.writer.events:
            self.fire(call.writer.events, caller)
        return response

    def _commit(self, scope: batch.ChangeSet) -> None:
        for caller, saved in scope.saved:
            self.fire(saved, caller)
