"""What the conditions of a CloudFunction say of a function that this resource did not create."""

from collections.abc import Iterable

from nvcf_operator.core.functions.report.messages import named


def already_exists(name: str, function_ids: Iterable[str], *, adopts: bool) -> str:
    """The account has functions of that name.

    Args:
        name: of the functions.
        function_ids: theirs.
        adopts: whether the resource may still adopt one of them.

    """
    ways = (
        "To manage it with this resource, set spec.functionId to its id, or adoptionPolicy: Adopt if there is only "
        "one. Otherwise delete that function, or choose another name."
        if adopts
        else "Delete that function, or choose another name."
    )
    return (
        f"The account has a function named {name} that this resource did not create: {named(function_ids)}. The "
        f"operator does not create a second one, because clients could not tell them apart. {ways}"
    )


def ambiguous(name: str, function_ids: Iterable[str]) -> str:
    """Several functions of a name could be adopted."""
    return (
        f"The account has several functions named {name}: {named(function_ids)}. adoptionPolicy Adopt does not choose "
        "between them. Set spec.functionId to the one that this resource is to manage."
    )


def another_function(given: str, ours: str) -> str:
    """The manifest names another function than the one on record."""
    return (
        f"spec.functionId is {given}, but this resource manages function {ours}. Nothing is changed. The field cannot "
        "be changed back: set deletionPolicy: Retain, delete this resource, which leaves the function in NVCF as it "
        f"is, and apply it again with functionId {ours}."
    )


def function_unknown(function_id: str) -> str:
    """The function that the manifest names is not in the account."""
    return (
        f"The account of this key has no function {function_id}, which spec.functionId names, and the operator never "
        "creates another one instead. The function may be deleted, belong to another account, or be outside the "
        "policy of the key. Check the id and the key; if the function appears, the operator continues automatically."
    )


def function_of_others(function_id: str) -> str:
    """The function that the manifest names is another account's."""
    return (
        f"Function {function_id}, which spec.functionId names, belongs to another account, so it can be invoked but "
        "not managed with this key. Use a key of its own account."
    )


def given_function_gone(function_id: str) -> str:
    """The address is lost, and the manifest names it."""
    return (
        f"All versions of function {function_id} are gone from NVCF, and with them its id, which NVCF never issues "
        "again. spec.functionId names that id, so this resource creates no other function: delete it, and apply it "
        "again without functionId to create a function with another id."
    )
