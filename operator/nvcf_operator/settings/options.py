"""The options of `import`, `check` and `plan`, checked before any call is made.

Where NVCF is and which key is used are settings like those of `run`, with the same flags and variables. What only one
command takes is a flag and no variable.
"""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from nvcf_client import keys
from nvcf_operator.api.spec import DeletionPolicy
from nvcf_operator.core.rules import credentials
from nvcf_operator.settings import values
from nvcf_operator.settings.model import NvcfSettings
from nvcf_operator.settings.values import Form

_SECRET_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"


_NotEmpty = Annotated[str, StringConstraints(min_length=1)]
_Files = Annotated[tuple[_NotEmpty, ...], Form("FILE|FOLDER|-", "files, folders, or - for standard input")]


class KeyFileError(ValueError):
    """The key cannot be used. The text says why, and shows neither the key nor any part of it."""


def read_key(path: Path) -> str:
    """The key that the file holds, without blanks and line ends around it.

    Raises:
        KeyFileError: it cannot be read, or not be sent.

    """
    # The path is not shown: who mistakes this flag for the key itself would find the key in a log.
    raw = b""
    try:
        raw = path.read_bytes()
        return keys.checked(raw.decode("ascii").strip())
    except FileNotFoundError:
        raise KeyFileError("there is no such file (give the path of a file, not its contents)") from None
    except OSError as error:
        raise KeyFileError(f"the file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise KeyFileError(f"the file does not contain an API key: {credentials.not_ascii(raw)}") from None
    except ValueError as error:
        raise KeyFileError(str(error)) from None


class AccountSettings(NvcfSettings):
    """Where NVCF is, and the key to use."""

    api_key_file: Annotated[Path, Form("FILE", "the path of a file that contains the API key")] = Field(
        description="File with the API key."
    )


class ImportSettings(AccountSettings):
    """The same, where an unusable key is an error in the settings; `check` reports it as a result."""

    @field_validator("api_key_file")
    @classmethod
    def _usable(cls, value: Path) -> Path:
        read_key(value)
        return value


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    timeout: values.Seconds = Field(30.0, description="Timeout of one call to NVCF.")


class CheckOptions(_Options):
    """What `check` takes beside the account."""

    output: Annotated[Literal["text", "json"], values.LowerCase, Form("text|json", "text or json")] = Field(
        "text", description="Output format."
    )


class ImportOptions(_Options):
    """What `import` takes beside the account."""

    function: Annotated[tuple[str, ...], Form("NAME|ID", "names or ids of functions")] = Field(
        (),
        description="Only functions with this name or id, or the version with this id; * and ? are wildcards. May be "
        "given several times.",
    )
    namespace: Annotated[
        str | None,
        StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"),
        Form("NAME", "the name of a namespace, of lower-case letters, digits and hyphens, 63 at most"),
    ] = Field(None, description="Namespace to set in the manifests; if not given, kubectl's current one applies.")
    secret_name: Annotated[
        str | None,
        StringConstraints(pattern=_SECRET_NAME, max_length=253),
        Form("NAME", "the name of a Secret, of lower-case letters, digits, hyphens and dots"),
    ] = Field(None, description="Secret to set in the manifests; if not given, the operator's defaults apply.")
    secret_key: Annotated[
        str | None,
        StringConstraints(pattern=r"^[-._a-zA-Z0-9]{1,253}$"),
        Form("KEY", "a key of a Secret, of letters, digits, hyphens, underscores and dots"),
    ] = Field(None, description="Key in that Secret, if it is not NGC_API_KEY; needs --secret-name.")
    deletion_policy: Annotated[DeletionPolicy, Form("Retain|Delete", "Retain or Delete")] = Field(
        DeletionPolicy.RETAIN,
        description="What deleting a FunctionDeployment does: Retain leaves NVCF alone, Delete undeploys. "
        "CloudFunctions always get Retain.",
    )
    cloud_functions: Annotated[bool, Form("", "")] = Field(
        False,
        description="Print a CloudFunction for each function, deployed or not, and FunctionDeployments that refer to "
        "it. Their environment is printed, and may contain secrets.",
    )
    include_configuration: Annotated[bool, Form("", "")] = Field(
        False, description="Include the Helm values (`configuration`). They may contain secrets."
    )

    @field_validator("secret_key")
    @classmethod
    def _of_a_secret(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("secret_name", value) is None:
            raise ValueError("names a key in a Secret, but no Secret is named: set --secret-name as well")
        return value

    def wants(self, name: str | None, *ids: str) -> bool:
        """Whether a function with this name and these ids is asked for."""
        return not self.function or any(self.matches(pattern, name, *ids) for pattern in self.function)

    @staticmethod
    def matches(pattern: str, name: str | None, *ids: str) -> bool:
        """Whether a pattern means this name, or one of these ids, which count in any letter case."""
        return fnmatchcase(name or "", pattern) or any(fnmatchcase(item.lower(), pattern.lower()) for item in ids)


class PlanOptions(_Options):
    """What `plan` takes beside the account."""

    filename: _Files = Field(
        min_length=1,
        description="Manifests to plan for: a file, a folder with all its files that end in .yaml, .yml or .json, or - "
        "for standard input. May be given several times.",
    )
    output: Annotated[
        Literal["text", "json", "markdown"], values.LowerCase, Form("text|json|markdown", "text, json or markdown")
    ] = Field("text", description="Output format. Markdown fits into the comment of a pull request.")
    namespace: Annotated[
        str | None,
        StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"),
        Form("NAME", "the name of a namespace, of lower-case letters, digits and hyphens, 63 at most"),
    ] = Field(
        None,
        description="Namespace of manifests that name none; if not given, that of the kubeconfig's context, or default "
        "without a cluster.",
    )
    # An empty one, as of a variable that is not set, would be that of whatever cluster is the current one.
    kubeconfig: Annotated[_NotEmpty | None, Form("FILE", "the path of a kubeconfig")] = Field(
        None,
        description="Kubeconfig of the cluster to plan for. Without it and --context no cluster is read, and all "
        "manifests are planned as new objects.",
    )
    context: Annotated[_NotEmpty | None, Form("NAME", "the name of a context")] = Field(
        None,
        description="Context of the kubeconfig; without --kubeconfig, of the one that kubectl uses.",
    )
