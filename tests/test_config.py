"""Settings: what is unknown is an error, and every setting counts in the hash."""

from pathlib import Path

import pytest

from pipeline.config import Config, parse_settings, read_config, update_config
from pipeline.errors import ConfigError


def test_a_setting_replaces_its_default_and_nothing_else() -> None:
    config = update_config(Config(), parse_settings(["detect.min_length=60", "volume.product=jet"]))
    assert config.detect.min_length == 60.0
    assert config.volume.product == "jet"
    assert config.freeboard == Config().freeboard


@pytest.mark.parametrize(
    "pair",
    ["detect.min_lenght=60", "detector.min_length=60", "detect.min_length=long", "min_length=60", "detect"],
)
def test_what_is_unknown_is_an_error(pair: str) -> None:
    with pytest.raises(ConfigError):
        update_config(Config(), parse_settings([pair]))


def test_the_hash_follows_every_setting() -> None:
    changed = update_config(Config(), {"load": {"seed": 7}})
    assert changed.sha256() != Config().sha256()
    assert Config().sha256() == Config().sha256()


def test_a_file_is_read_and_a_broken_one_named(tmp_path: Path) -> None:
    good = tmp_path / "plimsoll.toml"
    good.write_text("[volume]\ncap = 400000\n")
    assert read_config(good).volume.cap == 400_000.0
    bad = tmp_path / "bad.toml"
    bad.write_text("[volume\n")
    with pytest.raises(ConfigError, match=r"bad\.toml"):
        read_config(bad)
