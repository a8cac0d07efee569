"""Which functions the host finds in an app, and which it refuses."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import azure.functions as func
import pytest

from shared.local.functions_host.errors import HostError
from shared.local.functions_host.host_json import HostJson
from shared.local.functions_host.index import HttpTrigger, QueueTrigger, TimerTrigger, index_functions, load_app
from shared.ports.queue import QueueName

SAMPLE = Path(__file__).parents[1] / "samples" / "function_app"


def test_every_trigger_of_an_app_is_found_with_its_settings() -> None:
    found = {function.name: function for function in index_functions(load_app(SAMPLE), {})}

    assert {name: function.trigger for name, function in found.items()} == {
        "on_dataverse_event": QueueTrigger("messages", QueueName.EVENTS, batch=True, binary=True),
        "on_sync_live": QueueTrigger("messages", QueueName.LIVE, batch=True, binary=False),
        "on_sync_bulk": QueueTrigger("message", QueueName.BULK, batch=False, binary=False),
        "on_poll": TimerTrigger("timer", "0 */5 * * * *", run_on_startup=False, monitored=True),
        "resync": HttpTrigger("req", "records/{table}/{id?}", frozenset({"POST"}), func.AuthLevel.FUNCTION),
    }
    assert [name for name, function in found.items() if function.wants_context] == ["resync"]


def test_an_app_may_be_indexed_again_when_a_host_starts_again() -> None:
    app = load_app(SAMPLE)

    assert index_functions(app, {}) == index_functions(app, {})


def test_settings_in_percent_signs_are_looked_up() -> None:
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule="%POLL_SCHEDULE%")
    def poll(timer: func.TimerRequest) -> None: ...

    [function] = index_functions(app, {"POLL_SCHEDULE": "0 0 * * * *"})
    assert isinstance(function.trigger, TimerTrigger)
    assert function.trigger.schedule == "0 0 * * * *"
    with pytest.raises(HostError, match="POLL_SCHEDULE is not set"):
        index_functions(app, {})


def test_a_trigger_of_another_kind_is_refused_by_name() -> None:
    app = func.FunctionApp()

    @app.blob_trigger(arg_name="blob", path="in/{name}", connection="Storage")
    def on_blob(blob: func.InputStream) -> None: ...

    with pytest.raises(HostError, match=r"on_blob.*blobTrigger"):
        index_functions(app, {})


def test_an_output_binding_is_refused_by_name() -> None:
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
    @app.queue_output(arg_name="$return", queue_name="out", connection="Storage")
    def poll(timer: func.TimerRequest) -> str:
        return ""

    with pytest.raises(HostError, match=r"poll.*binding queue"):
        index_functions(app, {})


def test_a_queue_that_the_connector_does_not_have_is_refused() -> None:
    app = func.FunctionApp()

    @app.service_bus_queue_trigger(arg_name="message", queue_name="elsewhere", connection="ServiceBus")
    def on_message(message: func.ServiceBusMessage) -> None: ...

    with pytest.raises(HostError, match="elsewhere"):
        index_functions(app, {})


def test_a_parameter_that_the_trigger_does_not_fill_is_refused() -> None:
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
    def poll(clock: func.TimerRequest) -> None: ...

    with pytest.raises(HostError, match="must take the parameter timer"):
        index_functions(app, {})


def test_an_annotation_that_the_worker_would_refuse_is_refused_here_too() -> None:
    app = func.FunctionApp()

    @app.service_bus_queue_trigger(arg_name="message", queue_name="sync-live", connection="ServiceBus")
    def on_message(message: func.TimerRequest) -> None: ...

    with pytest.raises(HostError, match=r"on_message.*message"):
        index_functions(app, {})


def test_a_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"no function_app\.py"):
        load_app(tmp_path)


def test_host_json_may_leave_everything_to_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0", "logging": {}}')
    settings = HostJson.read(tmp_path / "host.json")

    assert settings.extensions.http.route_prefix == "api"
    assert settings.extensions.service_bus.max_message_batch_size == 1000
    assert settings.function_timeout == timedelta(minutes=30)


def test_host_json_settles_prefix_batches_and_time_limit(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text(
        """{"version": "2.0", "functionTimeout": "1.00:10:00", "extensions": {
            "http": {"routePrefix": ""},
            "serviceBus": {"maxMessageBatchSize": 50, "maxAutoLockRenewalDuration": "00:02:30"}}}"""
    )
    settings = HostJson.read(tmp_path / "host.json")

    assert settings.function_timeout == timedelta(days=1, minutes=10)
    assert settings.extensions.http.route_prefix == ""
    assert settings.extensions.service_bus.max_message_batch_size == 50
    assert settings.extensions.service_bus.max_auto_lock_renewal_duration == timedelta(minutes=2, seconds=30)


def test_minus_one_is_no_time_limit() -> None:
    assert HostJson.model_validate({"version": "2.0", "functionTimeout": "-1"}).function_timeout is None


@pytest.mark.parametrize("text", ["{}", '{"version": "2.0", "functionTimeout": "soon"}', "[", '{"version": "1.0"}'])
def test_a_wrong_host_json_is_a_configuration_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text(text)

    with pytest.raises(HostError, match=r"host\.json"):
        HostJson.read(tmp_path / "host.json")
