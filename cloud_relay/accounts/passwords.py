"""Password hashes: argon2id in two threads of their own, so that a rush of sign-ins takes neither memory nor loop."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, two passes, one lane
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_threads = ThreadPoolExecutor(2, thread_name_prefix="argon2")
NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1$WjNeX6o2wNYZCkUovp3ihg$E9r97yNd36KQCEdwIhe4NqngFLPCRuLubclekX1t+4A"  # of a word
    # that was drawn by lot and kept by nobody; written down, since making one costs every start 25 ms of processor
)
"""What a password is held against where no account is; its costs are the hasher's, so that it takes the same time."""


def _is_right(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


async def hash_password(password: str) -> str:
    """Return what is stored of a password."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


def hash_password_now(password: str) -> str:
    """As `hash_password`, in this thread, for the command line."""
    return _hasher.hash(password)


async def is_right_password(stored: str | None, password: str) -> bool:
    """Tell whether the password fits; without a stored hash it takes the same time and says no."""
    loop = asyncio.get_running_loop()
    is_right = await loop.run_in_executor(_threads, _is_right, stored or NOBODY, password)
    return is_right and stored is not None
