"""Fetches the keys of a store from AWS Secrets Manager, for containers without key files."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from prodcat.errors import ConfigError


def secret_key_files() -> list[str]:
    """Fetch the secrets that ``PRODCAT_KEYS_SECRET`` names, and write each to a private file.

    The variable contains names or ARNs of secrets, separated by commas; each secret is one key.

    Returns:
        The paths of the files, which are removed when the process ends; an empty list if the
        variable is not set.

    Raises:
        ConfigError: A secret cannot be fetched.
    """
    names = os.environ.get("PRODCAT_KEYS_SECRET", "").split(",")
    return [_fetched(name.strip()) for name in names if name.strip()]


@cache
def _fetched(name: str) -> str:
    """Fetch a secret once for each process, and return the path of the file that contains it."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.session import get_session

    region = name.split(":")[3] if name.startswith("arn:") else None
    try:
        client = get_session().create_client("secretsmanager", region_name=region)
        secret = client.get_secret_value(SecretId=name)
    except (BotoCoreError, ClientError) as error:
        raise ConfigError(
            f"PRODCAT_KEYS_SECRET names {name!r}, which cannot be fetched: {error}. Check the name "
            "or ARN, and that the role may call secretsmanager:GetSecretValue on it."
        ) from error
    content = secret.get("SecretBinary") or secret["SecretString"].encode()
    folder = Path(tempfile.mkdtemp(prefix="prodcat-key-"))  # only this user can open it
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "key"
    path.write_bytes(content)
    return str(path)
