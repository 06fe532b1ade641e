"""The messages of a FunctionDeployment whose reference to a CloudFunction leads to nothing, or to something else."""


def function_missing(name: str) -> str:
    """There is no such CloudFunction."""
    return (
        f"There is no CloudFunction {name} in this namespace. Create it, or correct functionRef.name. Until then, "
        "anything already deployed keeps running, and only in-place changes are made."
    )


def function_not_ready(name: str) -> str:
    """The CloudFunction's manifest is not registered as it stands."""
    return f"CloudFunction {name} is being registered. Until then, only in-place changes are made."


def function_stalled(name: str) -> str:
    """The CloudFunction's manifest is not registered, and that does not go on without a user."""
    return (
        f"The current manifest of CloudFunction {name} is not registered; its conditions say why. Correct it, or pin "
        "a registered revision in functionRef.revision. Until then, only in-place changes are made."
    )


def function_deleting(name: str) -> str:
    """The CloudFunction goes, and has no version to deploy."""
    return (
        f"CloudFunction {name} is being deleted, and no version of it is registered. Create it again, or delete this "
        "resource."
    )


def reference_settles(name: str, seconds: float) -> str:
    """Either of the two objects has just changed."""
    return (
        f"This resource or CloudFunction {name} has just changed. The operator waits until neither has changed for "
        f"{seconds:g} seconds, so that changes of both are rolled out together."
    )


def revision_missing(name: str, revision: str) -> str:
    """The CloudFunction has no version of the pinned revision."""
    return (
        f"CloudFunction {name} has no version of revision {revision}. Set its spec.revision to register one, or "
        "correct functionRef.revision. Until then, anything already deployed keeps running, and only in-place changes "
        "are made."
    )


def version_outdated(name: str, version: str, seconds: float) -> str:
    """The CloudFunction has not brought a version up to date that is to be deployed."""
    return (
        f"Version {version} is deployed when CloudFunction {name} has brought its tags, rate limit and secrets up to "
        f"date, or after {seconds:g} seconds; the conditions of the CloudFunction say what keeps it."
    )


def another_function(name: str, theirs: str, ours: str) -> str:
    """The CloudFunction has another id than the function that the resource deploys."""
    deployed = f"function {ours}" if ours else "another function"
    return (
        f"CloudFunction {name} manages function {theirs}, but this resource deploys {deployed}, which cannot change. "
        "Refer to the CloudFunction of that function, or delete this resource and create it again."
    )


def ids_of_another_function(theirs: str, ours: str) -> str:
    """The manifest had a reference and has ids of another function."""
    return (
        f"functionId is {theirs}, but this resource deploys function {ours}, which cannot change. Set functionId to "
        "that function, or delete this resource and create it again."
    )


def unknown_function(name: str) -> str:
    """Neither the record nor the CloudFunction says what may be deployed."""
    return (
        f"Something may be deployed for this resource, but neither its status nor CloudFunction {name} says for which "
        "function. Create the CloudFunction again, or undeploy it yourself."
    )


def function_of_another_account(name: str, theirs: str, ours: str) -> str:
    """The two resources' keys are of different accounts."""
    return (
        f"CloudFunction {name} is in account {theirs}, but this resource's API key belongs to account {ours}. The "
        "operator makes no changes. Use keys of one account for both."
    )
