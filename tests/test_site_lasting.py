"""Every address that was ever public answers, or leads to what answers, whatever happens later."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from datasette.app import Datasette

from archive import readings
from archive.build import Options, build
from archive.publish import PUBLISHED, publish
from tests.test_build import rows
from tests.test_fold import by_year, corrected, files, lay, with_reader

FORMS = ("", ".json", ".csv")
OF_VERSIONS = (".bib", ".ris", ".cite.txt", ".txt", "/original")


def first_names(data: Path) -> list[str]:
    """The addresses below /r/ that were public after the first publication, with their forms."""
    with (data / PUBLISHED).open(encoding="utf-8", newline="") as file:
        names = [line["path"] for line in csv.DictReader(file)]
    bodies = {name.split("/")[0] for name in names}
    versions = [name for name in names if name.count("/") == 2]
    return [
        *(f"/r/{name}{form}" for name in (*sorted(bodies), *names) for form in FORMS),
        *(f"/r/{name}{form}" for name in versions for form in OF_VERSIONS),
    ]


async def served(data: Path) -> Any:
    datasette = Datasette(config_dir=data / "site")
    await datasette.invoke_startup()
    return datasette.client


async def outcomes(data: Path, addresses: list[str]) -> dict[str, tuple[int, int]]:
    """Of each address the first status, and the last after all redirects."""
    client = await served(data)
    out = {}
    for address in addresses:
        answer = await client.get(address, follow_redirects=True)
        out[address] = ((answer.history or [answer])[0].status_code, answer.status_code)
    return out


@pytest.mark.asyncio
async def test_old_addresses_after_a_rebuild_a_merger_and_another_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "read_report", by_year)
    data = tmp_path / "data"
    portions = files(4)
    for portion in portions[: len(portions) // 2]:
        lay(data, *portion)
    build(data, workers=0)
    publish(data)
    addresses = first_names(data)
    assert len([one for one in addresses if one.endswith("/original")]) > 10
    assert set((await outcomes(data, addresses)).values()) == {(200, 200)}

    for portion in portions[len(portions) // 2 :]:
        lay(data, *portion)
    ids = [name for (name,) in rows(data, "select distinct issuer_id from reports order by 1")]
    merged = f"issuer:{ids[0]},same_as,{ids[1]},王,2026-11-20,同一机关两次编号"
    with_reader(monkeypatch, "another", content_digest="e" * 64)
    # So much less is refused otherwise.
    options = Options(corrections=corrected(data, merged), accept_loss=True)
    build(data, rebuild=True, workers=0, options=options)
    publish(data)
    # Contents became one and two bodies one: of many addresses only redirects are left.
    assert rows(data, "select count(*) from redirects")[0][0] > 10
    found = await outcomes(data, addresses)
    assert {address: told for address, told in found.items() if told[1] != 200} == {}
    assert {first for first, _ in found.values()} <= {200, 301, 302}
    gone = {address: told for address, told in found.items() if f"/r/{ids[0]}/" in address}
    assert gone
    assert all(first in (301, 302) for first, _ in gone.values())
