"""The configuration of one run: the LangGraph context of both graphs, and what `run.json` keeps."""

from difflib import get_close_matches
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, field_validator, model_validator

from gome.state.task_options import TaskOptions, from_commas
from gome.state.urls import secrets_of

Isolation = Literal["e2b", "bubblewrap", "userns", "landlock", "plain"]
Optimizer = Literal["gradient", "tree"]
Part = Literal[
    "reasoning",
    "probes",
    "trials",
    "evidence",
    "momentum",
    "traces",
    "merge",
    "restarts",
    "ensemble",
    "survey",
    "racing",
    "tuning",
]
"""What an ablation can leave out."""


CAPS = ("steps", "time_limit_s", "max_evaluations", "max_tokens", "max_usd", "max_disk_mb")
"""Settings that end a run."""
MOST_STEPS = 10_000
"""Steps that a trace may be capped at."""
UNCAPPED_STEPS = 10**9
"""Of a trace without a cap, and plain JSON all the same."""


class RunConfig(TaskOptions):
    """All that a run needs to know besides its task. Immutable; given again when a run resumes."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)  # it may be a secret

    run_dir: str = Field(
        default="",
        description="Folder of the run: records, checkpoints, results; empty: a new one in the folder of runs.",
    )
    runs_dir: str = Field(default="runs", description="Folder of runs that are not given a folder.")
    adapter: str | None = Field(
        default=None,
        description="Python file that holds units back, where train and test are no tables (docs/adapters.md); "
        "none: adapter.py in the task's folder, if there is one.",
    )
    model: str = Field(
        default="offline",
        description="'offline' (rules, no language model), PROVIDER:NAME, e.g. openai:gpt-5 or anthropic:NAME (whose "
        "package langchain-anthropic is to be installed), or replay:FILE, the exchanges of another run.",
    )
    role_models: dict[str, str] = Field(
        default={},
        description="Another model for a role: researcher, coder, critic or surveyor (else the coder's).",
    )
    base_url: str | None = Field(
        default=None,
        description="OpenAI-compatible endpoint of openai: models, e.g. http://localhost:11434/v1; a key in "
        "OPENAI_API_KEY, a URL that holds one in OPENAI_BASE_URL.",
    )
    context_tokens: int | None = Field(
        default=None,
        ge=2_000,
        description="Context window of the model; longer prompts are cut by priority. None: when refused.",
    )
    send_images: int | None = Field(
        default=None,
        ge=0,
        le=16,
        description="Pictures of the task in each diagnosis before a program. None: 4 to models known to take any.",
    )
    private: bool = Field(
        default=False,
        description="Models are sent names and statistics, and no cell of the data (docs/what-a-model-is-sent.md).",
    )
    traces: int = Field(default=2, ge=1, le=64, description="Traces side by side.")
    steps: int | None = Field(
        default=None,
        ge=1,
        le=MOST_STEPS,
        description="Cap on the steps of each trace; none: they go on until another cap is reached.",
    )
    optimizer: Optimizer = Field(
        default="gradient",
        description="'gradient' (directed steps) or 'tree' (greedy search by score).",
    )
    patience: int = Field(
        default=3,
        ge=1,
        description="Steps in a row without gain after which a trace merges, restarts or folds.",
    )
    critique: bool = Field(
        default=False,
        description="Two more model calls a step: hypotheses are criticised and rewritten, then chosen apart.",
    )
    probes: int = Field(
        default=4,
        ge=0,
        le=50,
        description="Small programs that the researcher may run in a step before it chooses; 0: it only reads.",
    )
    trials: int = Field(
        default=3,
        ge=0,
        le=50,
        description="Smoke runs that the coder may look at in a step before it hands a program in; 0: it writes blind.",
    )
    without: tuple[Part, ...] = Field(
        default=(),
        description="Leave parts out, comma-separated: reasoning, probes, trials, evidence, momentum, traces, merge, "
        "restarts, ensemble, survey, racing, tuning.",
    )
    lessons: str | None = Field(
        default=None,
        description="File of lessons from earlier runs, read at the start, added to at the end; none: a closed world.",
    )
    embedding: Literal["tfidf", "sentences"] = Field(
        default="tfidf",
        description="How remembered steps are likened: 'tfidf' (words) or 'sentences' (the extra gome[embeddings]).",
    )
    sync_every: int | None = Field(
        default=None, ge=1, description="Steps between joins of the traces; none: they run free."
    )
    folds: int | None = Field(
        default=None,
        ge=1,
        le=50,
        description="Parts of the data that a program is graded on in turn, 1: a hold-out; none: by the number of rows.",
    )
    time_limit_s: float = Field(
        default=3600, gt=0, description="Wall-clock budget of the run, seconds asleep not counted."
    )
    program_time_limit_s: float = Field(
        default=3600,
        gt=0,
        description="Limit of one program run on a search fold, seconds; in proportion where there are more rows.",
    )
    memory_limit_mb: int = Field(
        default=8192, ge=256, description="Resident memory of one program's process tree."
    )
    max_evaluations: int | None = Field(
        default=None, ge=1, description="Cap on programs graded on the search part; none: no cap."
    )
    max_tokens: int | None = Field(default=None, ge=1, description="Cap on tokens in and out; none: no cap.")
    max_usd: float | None = Field(
        default=None, gt=0, description="Cap on the price of all model calls, US dollars; none: no cap."
    )
    prices: str | None = Field(
        default=None, description="YAML file of model prices, beside the built-in ones (docs/long-runs.md)."
    )
    max_disk_mb: int | None = Field(
        default=None, ge=1, description="Cap on the size of the run's folder; none: until the disk is full."
    )
    checkpoints: str | None = Field(
        default=None,
        description="Postgres database of checkpoints and store, postgresql://USER@HOST/NAME, the password in PGPASSWORD "
        "or ~/.pgpass; none: SQLite in the run's folder.",
    )
    debug_rounds: int = Field(
        default=4, ge=0, le=20, description="Repairs of a failing program within a step."
    )
    finalists: int = Field(
        default=3, ge=1, le=20, description="Programs re-run on the selection part at the end."
    )
    selection_seeds: int = Field(
        default=2, ge=1, le=10, description="Seeds of each finalist on the selection part."
    )
    slots: int = Field(
        default=0,
        ge=0,
        description="Programs that run at the same time; 0: one for each trace, but no more than cores.",
    )
    review: Literal["none", "task", "hypotheses", "programs"] = Field(
        default="none",
        description="What a person decides on before it is carried out: none, task (the surveyor's adapter), hypotheses "
        "or programs.",
    )
    executor: Literal["local", "e2b"] = Field(
        default="local", description="Where programs run: 'local', or 'e2b' (needs E2B_API_KEY)."
    )
    scheduler: Literal["local", "ray"] = Field(
        default="local",
        description="Which machines run programs: 'local' this one, 'ray' those of a Ray cluster.",
    )
    address: str | None = Field(
        default=None, description="The Ray cluster, HOST:PORT or 'auto'; none: a Ray on this machine alone."
    )
    runtime: str | None = Field(
        default=None,
        description="What programs run in: 'torch' or 'audio' (pinned, docs/execution.md), a requirements file, an "
        "interpreter, or an environment's folder; none: pandas, scikit-learn, lightgbm, xgboost and a few more, pinned.",
    )
    min_isolation: Literal["bubblewrap", "userns", "landlock", "plain"] = Field(
        default="plain", description="Refuse to run below this level of isolation."
    )
    seed: int = Field(default=0, description="Seed of splits, resampling and momentum sampling.")

    @model_validator(mode="before")
    @classmethod
    def _known_settings(cls, given: Any) -> Any:
        """A setting that does not exist is refused: a misspelt cap would be none."""
        for name in given if isinstance(given, dict) else ():
            if name not in cls.model_fields:
                close = get_close_matches(str(name), cls.model_fields, n=1)
                raise ValueError(
                    f"there is no setting {name!r}" + (f"; nearest: {close[0]}" if close else "")
                )
        return given

    @field_validator("model", "role_models")
    @classmethod
    def _model_with_provider(cls, given: Any) -> Any:
        for spec in given.values() if isinstance(given, dict) else [given]:
            provider, _, name = spec.partition(":")
            if spec != "offline" and not (provider and name):
                raise ValueError(f"model {spec!r}: use 'offline', openai:NAME, PROVIDER:NAME or replay:FILE")
        return given

    @field_validator("without", mode="before")
    @classmethod
    def _parts(cls, value: Any) -> Any:
        return from_commas(value)

    @field_validator("base_url")
    @classmethod
    def _no_key(cls, url: str | None) -> str | None:
        """As for `checkpoints`: what is kept in run.json and shown in the report must not hold a key."""
        if url and secrets_of(url):
            raise ValueError(
                "leave the key out of the URL: put it into OPENAI_API_KEY, or the whole URL into OPENAI_BASE_URL; "
                "neither is written down, and a resume reads them again"
            )
        return url

    @field_validator("checkpoints")
    @classmethod
    def _no_secret(cls, url: str | None) -> str | None:
        """The URL is kept in run.json, and the command line is seen by others: it must not hold a password."""
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("postgres", "postgresql"):
            raise ValueError("give a Postgres URL: postgresql://USER@HOST/NAME")
        if parts.password or "password" in parts.query:
            raise ValueError("leave the password out of the URL: put it into PGPASSWORD or ~/.pgpass")
        return url

    @model_validator(mode="after")
    def _one_trace(self) -> "RunConfig":
        """Without traces, one trace takes the steps of all: the budget stays the same."""
        if "traces" in self.without and self.traces > 1:
            object.__setattr__(self, "steps", self.steps and min(MOST_STEPS, self.steps * self.traces))
            object.__setattr__(self, "traces", 1)
        return self

    @property
    def caps(self) -> str:
        """The caps of the run by the names of their fields, those that are set and those that are not; which binds."""
        given = {name: getattr(self, name) for name in CAPS}
        held = [name for name, value in given.items() if value is not None]
        parts = [", ".join(f"{name} {given[name]:g}" for name in held)]
        parts += [", ".join(f"no {name}" for name, value in given.items() if value is None)]
        binds = f"{held[0]} binds" if len(held) == 1 else "the one that is reached first binds"
        return f"caps: {'; '.join(filter(None, [*parts, binds]))}"

    @property
    def epoch_steps(self) -> int:
        """How many steps further a trace goes before it meets the others, or ends: more than any takes without a cap."""
        return self.sync_every or self.steps or UNCAPPED_STEPS

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """The schema. LangGraph's server drops what `properties` does not hold from a context, without a word; these
        hold every name, so that a misspelt setting comes through and is refused."""
        schema = super().model_json_schema(*args, **options)
        return {**schema, "properties": _EveryName(schema["properties"])}

    def models(self) -> set[str]:
        """The models that are asked, as they were named."""
        return {self.model, *self.role_models.values()}

    def model_of(self, role: str) -> str:
        """The model that a role asks: researcher, coder or critic."""
        return self.role_models.get(role, self.model)

    def has(self, part: Part) -> bool:
        """Whether the run works with this part; a private one shows no model what files hold."""
        return part not in self.without and not (self.private and part == "survey")


class _EveryName(dict[str, Any]):
    def __contains__(self, name: object) -> bool:
        return True
