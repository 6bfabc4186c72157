"""gome.yaml: what a person always says to `gome run` in a folder, under the names of the settings."""

from difflib import get_close_matches
from pathlib import Path

import yaml
from pydantic import ValidationError

from gome.cli.error_lines import setting_lines
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.plain import JsonObject

SETTINGS_FILE = "gome.yaml"
_OF_ONE_RUN = "run_dir"


def read_settings(folder: Path) -> JsonObject:
    """What gome.yaml in `folder` says, {} if there is none; keys without a value are not said.

    GomeError, which names file and key: no YAML, a key that is no setting, a value that is none of the setting's.
    """
    file = folder / SETTINGS_FILE
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise GomeError(
            f"{SETTINGS_FILE} cannot be read ({error.strerror}): mend that, or move it away"
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise GomeError(f"{SETTINGS_FILE} is no YAML: {' '.join(str(error).split())[:300]}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise GomeError(f"{SETTINGS_FILE}: write lines of `setting: value`, such as `traces: 4`")
    given = {str(key).replace("-", "_"): value for key, value in content.items() if value is not None}
    for key, value in given.items():
        _known(key)
        if isinstance(value, bool) and RunConfig.model_fields[key].annotation is not bool:
            raise GomeError(
                f"{SETTINGS_FILE}: {key}: {value} is no value for it; YAML reads yes, no, on and off so"
            )
    try:
        RunConfig(**given)
    except ValidationError as error:
        raise GomeError(setting_lines(error, lambda key: f"{SETTINGS_FILE}: {key}")) from None
    return given


def _known(key: str) -> None:
    if key == _OF_ONE_RUN:
        raise GomeError(f"{SETTINGS_FILE}: run_dir is of one run: give it as --run-dir; runs_dir is of all")
    if key not in RunConfig.model_fields:
        near = get_close_matches(key, RunConfig.model_fields, n=1)
        hint = f"nearest: {near[0]}" if near else "`gome config` lists them"
        raise GomeError(f"{SETTINGS_FILE}: there is no setting {key!r}; {hint}")
