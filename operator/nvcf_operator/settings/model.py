"""`Settings` are those of `nvcf-operator run`; commands that only read NVCF take `NvcfSettings` and more of their own.

A rule that joins two settings is checked with the later one of them, so that its error is reported with all others.
Users see them as flags, variables, placeholders and defaults, and read what is wrong with a value.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from nvcf_client import keys, urls
from nvcf_operator.settings import values
from nvcf_operator.settings.values import Form, is_hosted

PREFIX = "NVCF_OPERATOR_"

LEAST_CREATE_SETTLE = 125.0
"""Seconds that hosted NVCF may work on a POST with one specification: three calls to its allocator of 30 s each, and
what it reads before and writes after them."""
LEAST_CREATE_SETTLE_PER_SPECIFICATION = 95.0
"""Seconds that each further specification adds: three calls to the allocator."""
LEAST_REDEPLOY_SETTLE = 60.0
"""Seconds: one loop of the server."""
LEAST_REGISTER_SETTLE = 120.0
"""Seconds that hosted NVCF may work on the registration of a version: registries and its secret store have their own
time limits."""

LEAST = {
    "create_settle_seconds": LEAST_CREATE_SETTLE,
    "create_settle_per_specification_seconds": LEAST_CREATE_SETTLE_PER_SPECIFICATION,
    "redeploy_settle_seconds": LEAST_REDEPLOY_SETTLE,
    "register_settle_seconds": LEAST_REGISTER_SETTLE,
}


class NvcfSettings(BaseSettings):
    """Where NVCF is. The flag of `nvcf_ca_file` is `--nvcf-ca-file`, its variable `NVCF_OPERATOR_NVCF_CA_FILE`.

    Base URLs are normalised (`nvcf_client.urls`).

    Raises:
        ValidationError: something is wrong; `validation_errors` describes it.

    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    nvcf_base_url: values.BaseUrl = Field(urls.HOSTED, description="Base URL of NVCF, with its prefix.")
    nvcf_host_header: values.HostHeader = Field(
        None, description="Host header to send to that base URL, if a gateway needs one other than the URL's host."
    )
    nvcf_ca_file: values.CaFile = Field(
        None, description="PEM file of certificates to trust instead of the default ones."
    )
    nvcf_catalogue_url: values.CatalogueUrl = Field(
        None,
        description="NGC's URL of the organisation whose catalogue is read, "
        "`https://api.ngc.nvidia.com/v2/orgs/NAME/nvcf`, if --nvcf-base-url is another one; the keys for that base URL "
        "are sent to it.",
    )


class Settings(NvcfSettings):
    """All settings of the operator. Durations are seconds."""

    api_key_file: values.KeyFile = Field(
        None, description="File with the operator's own API key; re-read when it changes."
    )
    api_key_namespaces: values.NamespacesOrAll = Field(
        (), description="Namespaces that may use the operator's own key; `*` allows all. None may by default."
    )
    allowed_base_urls: values.BaseUrls = Field(
        (), description="Base URLs that a Secret's NVCF_BASE_URL may name in addition to --nvcf-base-url."
    )
    namespaces: values.Namespaces = Field((), description="Namespaces to watch; all by default.")
    poll_interval: values.Seconds = Field(60.0, description="Time between two polls of an idle account.")
    busy_poll_interval: values.Seconds = Field(
        5.0,
        description="Time between two polls while something is deploying or draining; doubles up to the poll interval "
        "while nothing changes.",
    )
    deep_resync_interval: values.Seconds = Field(
        3600.0,
        description="Time between two full reads of each deployment, which detect specifications that somebody else "
        "changed; spread over the interval.",
    )
    running_instances: values.Switch = Field(
        False,
        description="Read how many instances run, for `status.running`, a metric and an Event: one more call with each "
        "full read of a deployment, and when its status changes. Needs a key with the scope `list_functions_details`.",
    )
    queue_depth: values.Switch = Field(
        False,
        description="Read how many requests are queued, for a metric and the message of a drain: one more call for "
        "each deployment that is ACTIVE in each --poll-interval, at a tenth of --nvcf-rate at most. Needs a key with "
        "the scope `queue_details`.",
    )
    create_settle_seconds: values.Seconds = Field(
        125.0,
        description="How long NVCF must keep answering 404 after a POST whose response was lost before the POST is "
        "sent again, for a POST with one specification with minInstances above 0; at least "
        f"{LEAST_CREATE_SETTLE:g} with hosted NVCF.",
    )
    create_settle_per_specification_seconds: values.Seconds = Field(
        95.0,
        description="How much longer for each further such specification, because NVCF processes them one after the "
        f"other; at least {LEAST_CREATE_SETTLE_PER_SPECIFICATION:g} with hosted NVCF.",
    )
    redeploy_settle_seconds: values.Seconds = Field(
        75.0,
        description="How long NVCF must keep answering 404 before a version that was deployed is deployed again; at "
        f"least {LEAST_REDEPLOY_SETTLE:g} with hosted NVCF.",
    )
    register_settle_seconds: values.Seconds = Field(
        180.0,
        description="How long the operator searches the account's list for a function version whose POST got no "
        f"response before the POST is sent again; at least {LEAST_REGISTER_SETTLE:g} with hosted NVCF.",
    )
    write_settle_seconds: values.Seconds = Field(
        60.0,
        description="How long a function version is neither deployed nor changed after a change of its tags or rate "
        "limit got no response, unless the change is seen earlier; and how long its deployment waits at most until its "
        "CloudFunction has brought it up to date.",
    )
    read_catalogue: values.Switch = Field(
        True,
        description="Compare the names in a manifest with NVCF's catalogue when it is deployed, where the base URL has "
        "a catalogue; it is read at most every 15 minutes for each key.",
    )
    secret_resync_interval: values.Seconds = Field(
        300.0,
        description="How often the Secrets behind a CloudFunction's secrets are read again; spread over the interval.",
    )
    stalled_grace_seconds: values.Seconds = Field(
        60.0,
        description="How long a resource stays `Reconciling` before it becomes `Stalled` while it waits for something "
        "that another controller may provide: a Secret, a key that has yet to take effect, the function version, "
        "a version that another resource holds.",
    )
    reference_settle_seconds: values.Seconds = Field(
        5.0,
        description="How long neither a FunctionDeployment nor the CloudFunction that it follows may have changed "
        "before a change that is not made in place begins, so that changes of both are rolled out together.",
    )
    workers: values.Workers = Field(
        32, description="Resources that are reconciled at the same time; one worker is reserved for users' changes."
    )
    nvcf_rate: values.Rate = Field(50.0, description="Calls to NVCF per second, per account.")
    nvcf_concurrency: values.Count = Field(16, description="Concurrent calls to NVCF, per account.")
    leader_election: values.Switch = Field(
        False,
        description="Run alongside other replicas; one leads, elected with the Lease `nvcf-operator` in the "
        "operator's own namespace.",
    )
    metrics_address: values.Address = Field(
        "127.0.0.1:8080",
        description="Address of /metrics, /healthz and /readyz; `:8080` for all interfaces, port 0 for any free port "
        "(logged), `0` to serve nothing.",
    )
    tracing: values.Tracing = Field(
        False,
        description="Send OpenTelemetry traces by OTLP over HTTP to the endpoint set by the variables "
        "`OTEL_EXPORTER_OTLP_*`; needs the extra `tracing`.",
    )
    log_format: Annotated[Literal["json", "text"], values.LowerCase, Form("json|text", "json or text")] = Field(
        "json", description="Format of the log lines."
    )
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        values.LowerCase,
        Form("debug|info|warning|error", "debug, info, warning or error"),
    ] = Field("info", description="Minimum log level.")

    @property
    def base_url(self) -> str:
        """The base URL in the one spelling in which base URLs are compared."""
        return self.nvcf_base_url

    @field_validator("api_key_namespaces")
    @classmethod
    def _needs_a_key(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if value and info.data.get("api_key_file", value) is None:
            raise ValueError("allows use of the operator's own key, but there is none: set --api-key-file as well")
        return value

    @field_validator(*LEAST)
    @classmethod
    def _long_enough(cls, value: float, info: ValidationInfo) -> float:
        least = LEAST[str(info.field_name)]
        known = (info.data.get("nvcf_base_url", ""), *info.data.get("allowed_base_urls", ()))
        hosted = next(filter(is_hosted, known), None)
        if hosted is not None and value < least:
            doubled = "registers" if info.field_name == "register_settle_seconds" else "deploys"
            raise ValueError(
                f"must be at least {least:g} seconds with hosted NVCF ({hosted}), otherwise it {doubled} twice"
            )
        return value


SERVICE_LINK = re.compile(r"(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)")
"""Variables that Kubernetes sets for each Service of the pod's namespace, also for one named nvcf-operator."""


def flag(field: str) -> str:
    """The flag of a field."""
    return "--" + field.replace("_", "-")


def variable(field: str) -> str:
    """The variable of a field."""
    return PREFIX + field.upper()


def form(field: str, model: type[BaseModel] = Settings) -> Form:
    """The form of a field's value."""
    return next(item for item in model.model_fields[field].metadata if isinstance(item, Form))


def default_in_words(field: str, model: type[BaseModel] = Settings) -> str:
    """The default of a field as users type it; empty for switches and for what is not set by default."""
    info = model.model_fields[field]
    default = info.default
    if info.is_required() or default is None or default == () or isinstance(default, bool):
        return ""
    return f"{default:g}" if isinstance(default, float) else str(default)


def validation_errors(error: ValidationError, model: type[BaseModel] = Settings) -> list[str]:
    """All errors in settings, one line each, with flag, variable and what is allowed. No value of a key is shown.

    A `model` that is no `BaseSettings` has flags and no variables.
    """
    lines = []
    for item in error.errors(include_url=False, include_input=False):
        field, *place = item["loc"] or ("",)
        what = str(item["ctx"]["error"]) if item["type"] == "value_error" else _must_be(str(field), model)
        if place:
            what = f"item {int(place[0]) + 1}: {what}"
        names = f" ({variable(str(field))})" if issubclass(model, BaseSettings) else ""
        lines.append(keys.redacted(f"{flag(str(field))}{names}: {what}"))
    return lines


def unknown_variables(environment: Iterable[str]) -> Iterator[str]:
    """Variables with the prefix of the settings that are no setting, one line each: most likely misspelt."""
    known = {variable(field) for field in Settings.model_fields}
    for name in sorted(environment):
        rest = name.removeprefix(PREFIX)
        if rest != name and name not in known and not SERVICE_LINK.fullmatch(rest):
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
            yield f"the variable {name} is not a setting" + (f"; did you mean {close[0]}?" if close else "")


def _must_be(field: str, model: type[BaseModel]) -> str:
    return f"must be {form(field, model).allowed}" if field in model.model_fields else "there is no such setting"
