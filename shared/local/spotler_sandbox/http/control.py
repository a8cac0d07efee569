"""The control API under /sandbox: unsigned, JSON only, for tests and experiments.

GET, DELETE  /sandbox/requests              {"contact.get": 3, …}
GET, DELETE  /sandbox/faults                [{"kind": "throttled", …, "left": 2}]
POST         /sandbox/faults                {"kind", "operation"?, "moment"?, "times"?, "retryAfter"?, "hold"?}
GET          /sandbox/contacts              all contacts, or one by ?externalId=, ?email= or ?encryptedId=
POST         /sandbox/contact/{act}?…       the recipient's or marketer's act on that contact, see `Act`; an act on a
                                            letter applies to the last one, or to the last of ?mailing=
POST         /sandbox/form                  {"properties": …}: sign up through a form, without an external id
POST         /sandbox/mailing               {"name", "subject", "medium"?, "inReport"?, "halfMinutes"?, "seed"?}: mail
                                            all contacts that can be mailed; with `halfMinutes` people act by
                                            themselves, half of them within that time
GET          /sandbox/audiences             members by external id
GET          /sandbox/temporary-lists       members by external id
GET          /sandbox/list-names            names of both by external id
GET          /sandbox/automation-runs       runs of automations, by contact
GET          /sandbox/campaign-runs         runs of campaigns, ended ones included
GET          /sandbox/orders                the orders of the shop, as written
GET          /sandbox/tags                  all tags of the account
PUT          /sandbox/clock                 {"ahead": seconds}: the clock for signatures
PUT          /sandbox/in-use?…              {"inUse": true} for ?audience= or ?temporaryList=
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.local.spotler_sandbox.account.account import Account
from shared.local.spotler_sandbox.account.contacts import Contact, ContactInput, Inactivity, WriteRefusedError
from shared.local.spotler_sandbox.activity.crowd import Habits
from shared.local.spotler_sandbox.activity.mailings import WEBSITE, Bounce, Letter, Medium
from shared.local.spotler_sandbox.http.clock import SandboxClock
from shared.local.spotler_sandbox.http.faults import Fault, FaultKind, FaultPlan, Moment
from shared.local.spotler_sandbox.http.operation import Body
from shared.local.spotler_sandbox.http.wire import DateStyle

CONTROL_PREFIX = "/sandbox"
CHOICES = {"externalId", "encryptedId", "email", "mailing"}

BodyT = TypeVar("BodyT", bound=Body)


class Act(StrEnum):
    """Acts of people. `edit` needs a body (permissions are switched in this way, too), `click` may name a link."""

    OPT_OUT = "opt-out"
    HARD_BOUNCE = "hard-bounce"
    SOFT_BOUNCE = "soft-bounce"
    OPEN = "open"
    CLICK = "click"
    INACTIVATE = "inactivate"
    ERASE = "erase"
    EDIT = "edit"


class FaultBody(Body):
    """A fault to plan; times in seconds."""

    kind: FaultKind
    operation: str | None = None
    moment: Moment = Moment.BEFORE
    times: int = Field(default=1, ge=1)
    retry_after: int = Field(default=1, ge=0)
    hold: float = Field(default=60.0, ge=0)


class Properties(Body):
    """Values as `properties` of a contact are written through the API: sets as lists of `bit` and `enabled`."""

    properties: dict[str, Any]


class NewMailing(Body):
    """A mailing to send; `half_minutes` None: nobody acts by themselves."""

    name: str
    subject: str = ""
    medium: Medium = Medium.EMAIL
    in_report: bool = True
    half_minutes: float | None = Field(default=None, gt=0)
    seed: int = 1


class ClickedLink(Body):
    """The link that is clicked."""

    link: int = WEBSITE


class InUse(Body):
    """Whether a list, automation or mailing depends on an audience or a list."""

    in_use: bool


class ClockBody(Body):
    """The offset in seconds of the clock for signatures; negative: behind."""

    ahead: float


class ControlError(Exception):
    """The call cannot be carried out; the text gives the reason."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Control:
    """The acts of people, and the inspection of the account."""

    def __init__(
        self,
        account: Account,
        faults: FaultPlan,
        requests: Counter[str],
        clock: SandboxClock,
        operations: Collection[str],
    ) -> None:
        self._account = account
        self._operations = operations
        self._faults = faults
        self._requests = requests
        self._clock = clock

    @property
    def routes(self) -> list[Route]:
        """All routes, below the prefix."""
        table: tuple[tuple[str, str, Callable[[Request, bytes], Any]], ...] = (
            ("GET", "/requests", self._counts),
            ("DELETE", "/requests", self._forget_counts),
            ("GET", "/faults", self._pending_faults),
            ("POST", "/faults", self._plan_fault),
            ("DELETE", "/faults", self._clear_faults),
            ("GET", "/contacts", self._dump),
            ("POST", "/contact/{act}", self._act),
            ("POST", "/form", self._complete_form),
            ("POST", "/mailing", self._send_mailing),
            ("GET", "/audiences", self._audiences),
            ("GET", "/temporary-lists", self._temporary_lists),
            ("GET", "/list-names", self._list_names),
            ("GET", "/automation-runs", self._runs),
            ("GET", "/campaign-runs", self._campaign_runs),
            ("GET", "/orders", self._orders),
            ("GET", "/tags", self._tags),
            ("PUT", "/clock", self._set_clock),
            ("PUT", "/in-use", self._mark_in_use),
        )
        return [Route(path, _endpoint(handle), methods=[method]) for method, path, handle in table]

    def _counts(self, _request: Request, _payload: bytes) -> Any:
        return dict(self._requests)

    def _forget_counts(self, _request: Request, _payload: bytes) -> None:
        self._requests.clear()

    def _pending_faults(self, _request: Request, _payload: bytes) -> Any:
        return [
            {"kind": fault.kind, "operation": fault.operation, "moment": fault.moment, "left": left}
            for fault, left in self._faults.pending
        ]

    def _plan_fault(self, _request: Request, payload: bytes) -> None:
        body = _read(FaultBody, payload)
        if body.operation is not None and body.operation not in self._operations:
            raise ControlError(400, f"there is no operation {body.operation}")
        self._faults.add(Fault(body.kind, body.operation, body.moment, body.times, body.retry_after, body.hold))

    def _clear_faults(self, _request: Request, _payload: bytes) -> None:
        self._faults.clear()

    def _set_clock(self, _request: Request, payload: bytes) -> None:
        self._clock.ahead = timedelta(seconds=_read(ClockBody, payload).ahead)

    def _dump(self, request: Request, _payload: bytes) -> Any:
        contacts = self._chosen(request) if request.query_params else list(self._account.contacts)
        return [self._view(contact) for contact in contacts]

    def _act(self, request: Request, payload: bytes) -> Any:
        contact = self._one(request)
        match Act(request.path_params["act"]):
            case Act.OPT_OUT:
                self._account.mailings.opt_out(contact)
            case Act.HARD_BOUNCE:
                self._account.mailings.bounce(self._letter(request, contact), Bounce.HARD)
            case Act.SOFT_BOUNCE:
                self._account.mailings.bounce(self._letter(request, contact), Bounce.SOFT)
            case Act.OPEN:
                self._account.mailings.open(self._letter(request, contact))
            case Act.CLICK:
                letter = self._letter(request, contact)
                self._account.mailings.click(letter, _read(ClickedLink, payload or b"{}").link)
                return {**self._view(contact), "mailplusId": letter.mailplus_id}
            case Act.INACTIVATE:
                self._account.contacts.inactivate(contact, Inactivity.MANUAL)
            case Act.ERASE:
                self._account.contacts.anonymize(contact)
            case Act.EDIT:
                given = ContactInput(None, _read(Properties, payload).properties)
                self._account.contacts.update(contact, given, purge=False)
        return self._view(contact)

    def _complete_form(self, _request: Request, payload: bytes) -> Any:
        properties = _read(Properties, payload).properties
        contact = self._account.contacts.subscribe(ContactInput(None, properties))
        self._account.form_entries.add(contact, properties)
        return self._view(contact)

    def _send_mailing(self, _request: Request, payload: bytes) -> Any:
        body = _read(NewMailing, payload)
        contacts = list(self._account.contacts)
        mailing = self._account.mailings.send(
            body.name, body.subject, contacts, medium=body.medium, in_report=body.in_report
        )
        if body.half_minutes is not None:
            self._account.crowd.receive(mailing, Habits(half=timedelta(minutes=body.half_minutes)), body.seed)
        return self._account.mailings.summary(mailing)

    def _audiences(self, _request: Request, _payload: bytes) -> Any:
        return {
            audience.external_id: [contact.external_id for contact in audience.members.values()]
            for audience in self._account.audiences.all.values()
        }

    def _temporary_lists(self, _request: Request, _payload: bytes) -> Any:
        return {
            listed.external_id: [contact.external_id for contact in listed.members.values()]
            for listed in self._account.temporary_lists.all.values()
        }

    def _list_names(self, _request: Request, _payload: bytes) -> Any:
        audiences = {one.external_id: one.name for one in self._account.audiences.all.values()}
        return audiences | {one.external_id: one.name for one in self._account.temporary_lists.all.values()}

    def _runs(self, _request: Request, _payload: bytes) -> Any:
        return [
            {
                "automationContactId": str(run.id),
                "automationId": str(run.automation.id),
                "externalContactId": run.contact.external_id,
                "fields": run.fields,
                "stopped": run.stopped,
            }
            for run in self._account.automations.runs.values()
        ]

    def _campaign_runs(self, _request: Request, _payload: bytes) -> Any:
        return [
            {
                "encryptedCampaignId": subscription.campaign.encrypted_id,
                "externalContactId": subscription.contact.external_id,
                "finished": subscription.finished,
            }
            for subscription in self._account.campaigns.subscriptions
        ]

    def _orders(self, _request: Request, _payload: bytes) -> Any:
        return list(self._account.shop.orders.values())

    def _tags(self, _request: Request, _payload: bytes) -> Any:
        return self._account.tags.names

    def _mark_in_use(self, request: Request, payload: bytes) -> None:
        in_use = _read(InUse, payload).in_use
        audience = self._account.audiences.all.get(request.query_params.get("audience", ""))
        listed = self._account.temporary_lists.all.get(request.query_params.get("temporaryList", ""))
        if audience is None and listed is None:
            raise ControlError(404, "no such audience or temporary list")
        for found in (audience, listed):
            if found is not None:
                found.in_use = in_use

    def _chosen(self, request: Request) -> list[Contact]:
        query = request.query_params
        if unknown := query.keys() - CHOICES:
            raise ControlError(400, f"there is no parameter {min(unknown)}")
        contacts = self._account.contacts
        if "externalId" in query:
            found = contacts.find(query["externalId"])
        elif "encryptedId" in query:
            found = contacts.with_encrypted_id(query["encryptedId"])
        elif "email" in query:
            return contacts.with_email(query["email"])
        else:
            raise ControlError(400, "choose by externalId, email or encryptedId")
        return [] if found is None else [found]

    def _one(self, request: Request) -> Contact:
        chosen = self._chosen(request)
        if len(chosen) != 1:
            raise ControlError(404, f"{len(chosen)} contacts are meant, not one")
        return chosen[0]

    def _letter(self, request: Request, contact: Contact) -> Letter:
        """Find the last letter of the contact, or the last one of `mailing`."""
        mailings = self._account.mailings
        if (mailing_id := request.query_params.get("mailing")) is None:
            return mailings.last_or_new(contact)
        letter = mailings.last(contact, mailing_id)
        if letter is None:
            raise ControlError(404, "the contact has got no such mailing")
        return letter

    def _view(self, contact: Contact) -> dict[str, Any]:
        """Return a contact as the API shows it, with the fields that the API hides."""
        return {
            **contact.document(self._account.catalogue, DateStyle.ISO),
            "inactivity": contact.inactivity,
            "createdAt": contact.created.timestamp(),
            "softBounces": contact.soft_bounces,
            "tags": {tag.name: tag.score for tag in contact.tags.values()},
        }


def _endpoint(handle: Callable[[Request, bytes], Any]) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        payload = await request.body()
        try:
            body = handle(request, payload)
        except ControlError as error:
            return JSONResponse({"message": str(error)}, status_code=error.status)
        except (ValidationError, WriteRefusedError, ValueError) as error:
            return JSONResponse({"message": str(error)}, status_code=400)
        return Response(status_code=204) if body is None else JSONResponse(body)

    return answer


def _read(kind: type[BodyT], payload: bytes) -> BodyT:
    return kind.model_validate_json(payload)
