"""Damaged files end in a refusal, in a failed worker or in media, and never in anything else."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.media.file.mutants import mutant
from tests.media.file.run_files import Ran, run_file
from tests.media.file.tiny_files import tiny_files

ROUNDS_PER_FILE = 4
AT_ONCE = 3


@pytest.mark.process
async def test_the_server_survives_whatever_a_damaged_file_does_to_its_worker(
    tmp_path: Path,
) -> None:
    """Should a seed fail, `mutant` makes the same file of it again."""
    places = asyncio.Semaphore(AT_ONCE)
    mutants = [
        (f"{name}, seed {seed}", container, mutant(data, seed))
        for number, (name, (container, data)) in enumerate(tiny_files().items())
        for seed in range(number * ROUNDS_PER_FILE, (number + 1) * ROUNDS_PER_FILE)
    ]

    async def run(name: str, number: int) -> Ran:
        _, container, data = mutants[number]
        path = tmp_path / str(number)
        path.write_bytes(data)
        async with places, asyncio.timeout(60):
            return await run_file(name, path, container)

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(run(name, number)) for number, (name, _, _) in enumerate(mutants)
        ]
    endings = Counter(task.result().ending for task in tasks)

    assert endings["done"] >= len(mutants) // 4, "else the damage is too great to reach decoders"
    assert endings["damaged"] > 0
