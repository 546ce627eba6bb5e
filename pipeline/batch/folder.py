"""A folder's season made anew from what its store knows, and the page on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.batch.children import CROPS
from pipeline.batch.describe import code_version
from pipeline.batch.season import SeasonFiles, read_results, write_season
from pipeline.batch.setting import Setting, read_setting
from pipeline.batch.signing import apply_words, read_words
from pipeline.errors import UsageError
from pipeline.products import SceneResult
from pipeline.store import Store, install_bytes, is_intact, remove_work


def remake_season(folder: Path) -> SeasonFiles:
    """Visits and barrels from the results in the store, with the settings of its last run.

    Raises
    ------
    UsageError
        Nothing was run into this folder.
    """
    with Store.claim(folder) as store:
        setting = setting_of(store)
        try:
            return write_season(store, setting, code_version())
        finally:
            remove_work(folder)


def setting_of(store: Store) -> Setting:
    """What the last run into the folder was told.

    Raises
    ------
    UsageError
        There was none.
    """
    setting = read_setting(store)
    if setting is None:
        raise UsageError(f"{store.folder}: nothing was run into it yet", hint="plimsoll run INPUT...")
    return setting


def make_report(folder: Path) -> Path:
    """Write report.html; the path to it."""
    from pipeline.render import render_report

    with Store.claim(folder) as store:
        setting = setting_of(store)
        try:
            season = write_season(store, setting, code_version())
            page = render_report(
                season.visits,
                season.volume,
                at_terminal(signed_results(store, setting), setting),
                site=setting.site,
                pictures=read_pictures(store),
            )
            file = install_bytes(folder, page.encode(), "report.html")
            store.commit_season([file], {})
        finally:
            remove_work(folder)
    return folder / file.path


def signed_results(store: Store, setting: Setting) -> tuple[SceneResult, ...]:
    """Every scene's result, with what people signed bound to it."""
    results = read_results(store)
    words = read_words(store, results)
    return apply_words(results, words, setting)


def at_terminal(results: Sequence[SceneResult], setting: Setting) -> tuple[SceneResult, ...]:
    """The results but those of further sites: what the page on the terminal is about."""
    others = {site.id for site in setting.beyond}
    return tuple(result for result in results if result.site not in others)


def read_pictures(store: Store) -> dict[str, bytes]:
    """PNG of each ship by "scene id/detection id", as the measuring child left them."""
    pictures: dict[str, bytes] = {}
    for row in store.scenes():
        for file in store.artefacts(row.scene_id):
            path = Path(file.path)
            if path.parent.name == CROPS and is_intact(store.folder, file):
                pictures[f"{row.scene_id}/{path.stem}"] = (store.folder / path).read_bytes()
    return pictures
