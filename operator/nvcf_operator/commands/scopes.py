"""What the key may do, found out by reading calls alone."""

from nvcf_client import endpoints, errors
from nvcf_client.endpoints.deployments import NOWHERE
from nvcf_operator.commands.asking import Asker


async def may_deploy(asker: Asker) -> bool | errors.NvcfError:
    """Whether the key has the scope deploy_function, which NVCF also requires to read deployments.

    Asked for the deployment of a version that no account has, NVCF says 404 to who has the scope and 403 to who
    lacks it. The error of any other answer, which tells neither.
    """
    try:
        await asker.ask(endpoints.get_deployment(function_id=NOWHERE, function_version_id=NOWHERE))
    except errors.NotFound as error:
        return error if error.unknown_path else True
    except errors.Forbidden:
        return False
    except errors.NvcfError as error:
        return error
    return True
