"""The tables of a recipe: one class each, with every key, its default and what it means."""

from dataclasses import fields, replace
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from toolkit.backends.base import SGD, Adam, Decay
from toolkit.backends.precision import Chosen
from toolkit.data import augmentation
from toolkit.data.augmentation import BINS, Policy
from toolkit.spaces import SearchSpace
from toolkit.spaces.conditioning import ConditionedSpace, Control, Sees, conditioning_problems
from toolkit.spaces.enhancement import EnhancedSpace, enhancement_problems
from toolkit.spaces.grouping import GroupedSpace, Rules, grouping_problems
from toolkit.spaces.hyper import Form
from toolkit.spaces.primitives import Activation

Positive = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]  # what every framework's generators take
_AsTuple = BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
_Channels = Annotated[tuple[float, ...], _AsTuple]
_Share = Annotated[float, Field(ge=0, lt=1)]
_Rule = Positive | Literal["widths"] | Annotated[list[Positive], Field(min_length=1)]
_RULES = 'write how many (from 1), "widths", or a table by widest width, such as {16 = 4, 32 = "widths", 64 = [24, 64]}'


class Table(BaseModel):
    """What all have in common: unknown keys and values of another type are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Augmentation(Table):
    """`[data.augmentation]`: what images go through after crop and flip; see `toolkit/data/augmentation.py`."""

    policy: Policy | None = Field(None, description="randaugment or trivialaugment: distortions drawn for each image")
    operations: Positive | None = Field(None, description="randaugment: how many one after the other; 2 by default")
    magnitude: Annotated[int, Field(ge=0, le=BINS)] | None = Field(
        None, description=f"randaugment: how strong, up to {BINS}; 9 by default"
    )
    cutout: Positive | None = Field(None, description="side of a square painted over, in pixels")
    mixup: float | None = Field(
        None, gt=0, description="alpha of Beta(alpha, alpha), by which images and labels are mixed in pairs"
    )
    crop: float | None = Field(
        None, gt=0, le=1, description="a random part of the image in its place, of at least this share of its area"
    )
    jitter: float | None = Field(
        None, gt=0, le=1, description="how far brightness, contrast, saturation and hue change, four times in five"
    )
    grey: float | None = Field(None, gt=0, le=1, description="share of images that lose their colours")
    blur: float | None = Field(None, gt=0, le=1, description="share of images that are blurred")

    @model_validator(mode="after")
    def _of_randaugment(self) -> "Augmentation":
        if self.policy != "randaugment" and (self.operations or self.magnitude is not None):
            raise ValueError('operations and magnitude are for policy = "randaugment"')
        return self

    @property
    def made(self) -> augmentation.Augmentation:
        """As data sets take it."""
        return augmentation.Augmentation(**self.model_dump(exclude_none=True))


class Data(Table):
    """`[data]`: which images, and how they are split."""

    source: str = Field("digits", description="digits, cifar10:FOLDER, cifar100:FOLDER or imagefolder:FOLDER")
    size: Positive | None = Field(None, description="height and width to resize to; the data's own by default")
    calibration: Positive | None = Field(None, description="images kept out of training for batch-norm statistics")
    validation: Positive | None = Field(None, description="images to evaluate candidates on; all by default")
    bad_images: Literal["error", "skip"] = Field(
        "error", description="image folders: refuse images that cannot be decoded, or leave them out"
    )
    split_seed: Seed = Field(0, description="chooses the splits; runs with other seeds stay comparable")
    mean: _Channels | None = Field(
        None, description="subtracted from each channel of images from 0 to 1; the data's own by default"
    )
    std: _Channels | None = Field(None, description="what each channel is divided by; the data's own by default")
    augmentation: Augmentation | None = Field(None, description="what training images go through after crop and flip")

    @field_validator("std")
    @classmethod
    def _divides(cls, std: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if std and min(std) <= 0:
            raise ValueError("a standard deviation is above 0")
        return std

    @field_validator("mean", "std")
    @classmethod
    def _of_scaled_images(cls, numbers: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if numbers and max(map(abs, numbers)) > 1:
            raise ValueError("these are of images from 0 to 1; divide by 255")
        return numbers


_ADAM = ("adam", "adamw")
_SGD_S = ("momentum", "nesterov", "move_idle")
_ADAM_S = ("betas", "eps")
_LATER = ("optimizer", "betas", "eps", "accumulate")


class Training(Table):
    """`[training]`: the schedule and the optimiser."""

    epochs: Positive = Field(10, description="passes over the training images")
    batch_size: Positive = Field(128, description="images per step, over all processes together")
    accumulate: Positive | None = Field(
        None,
        description="parts of a batch that are worked on one after the other, their gradients averaged for one update: "
        "saves memory; batch norm sees the parts; 1 by default",
    )
    lr: float = Field(0.1, gt=0, description="peak learning rate for this batch size; adam and adamw have no default")
    warmup_epochs: float = Field(1.0, ge=0, description="epochs of linear warm-up before the cosine")
    final_lr: float = Field(0.0, ge=0, description="learning rate at the end of the cosine")
    optimizer: Literal["sgd", "adam", "adamw"] | None = Field(None, description="sgd, adam or adamw; sgd by default")
    momentum: float | None = Field(0.9, ge=0, lt=1, description="sgd: 0 is none")
    nesterov: bool | None = Field(False, description="sgd: Nesterov's momentum")
    betas: Annotated[tuple[_Share, _Share], _AsTuple] | None = Field(
        None, description="adam, adamw: decay of the means of gradients and of their squares; [0.9, 0.999] by default"
    )
    eps: float | None = Field(
        None, gt=0, description="adam, adamw: added to the root of the mean square; 1e-8 by default"
    )
    weight_decay: float = Field(
        5e-4, ge=0, description="added to the gradient, times the weight; with adamw apart from it"
    )
    decay_norm: bool = Field(False, description="let weight decay pull batch-norm scale and shift too")
    decay_bias: bool = Field(False, description="let weight decay pull biases too")
    clip_norm: float | None = Field(None, gt=0, description="largest norm of the whole gradient")
    ema: float | None = Field(None, gt=0, lt=1, description="decay of a moving average of the weights, kept beside")
    move_idle: bool | None = Field(
        None,
        description="sgd: let momentum and decay move tensors that no path of a step used; unused slices of a used "
        "tensor move in any case",
    )
    precision: Chosen = Field(
        "fp32",
        description="of the arithmetic: fp32, tf32 or bf16; auto: bf16 if this machine trains faster so, else fp32",
    )

    @model_validator(mode="before")
    @classmethod
    def _optimizer_s_own(cls, given: Any) -> Any:
        """What is the default of SGD's options is not said of Adam."""
        if isinstance(given, dict) and given.get("optimizer") in _ADAM:
            return {"momentum": None, "nesterov": None} | given
        return given

    @model_validator(mode="after")
    def _fits_together(self) -> "Training":
        found = []
        if self.warmup_epochs > self.epochs:
            found.append(f"warmup_epochs ({self.warmup_epochs}) is more than epochs ({self.epochs})")
        found += self._foreign()
        if self.nesterov and self.momentum == 0:
            found.append("nesterov needs momentum above 0")
        if self.move_idle and self.momentum == 0:  # momentum also tells a resumed run what was used before
            found.append("move_idle needs momentum above 0")
        if self.batch_size % (self.accumulate or 1):
            found.append(
                f"batch_size ({self.batch_size}) cannot be shared out evenly; make it a multiple of accumulate "
                f"({self.accumulate})"
            )
        if found:
            raise ValueError("; ".join(found))
        return self

    def _foreign(self) -> list[str]:
        """Options of another optimiser, and what this one needs besides."""
        kind = self.optimizer or "sgd"
        others, owner = (_SGD_S, "sgd") if kind in _ADAM else (_ADAM_S, "adam and adamw")
        if foreign := [name for name in others if getattr(self, name) is not None]:
            verb = "is an option" if len(foreign) == 1 else "are options"
            return [f'{", ".join(foreign)}: {verb} of {owner}; leave out, or set to "none", with optimizer {kind}']
        if kind in _ADAM and "lr" not in self.model_fields_set:
            return [f"optimizer {kind} needs an lr, such as 0.001; the default is for sgd"]
        return []

    @property
    def made_optimizer(self) -> SGD | Adam:
        """As backends take it."""
        common = {field.name: getattr(self, field.name) for field in fields(Decay)}
        if self.optimizer in _ADAM:
            made = Adam(**common, decoupled=self.optimizer == "adamw")
            if self.betas is not None:
                made = replace(made, beta1=self.betas[0], beta2=self.betas[1])
            return made if self.eps is None else replace(made, eps=self.eps)
        momentum, nesterov = self.momentum or 0.0, bool(self.nesterov)
        return SGD(**common, momentum=momentum, nesterov=nesterov, move_idle=bool(self.move_idle))

    @property
    def remembers(self) -> bool:
        """Whether the optimiser has a memory, without which a training does not go on as it would have."""
        return self.optimizer in _ADAM or bool(self.momentum)

    def dump(self) -> str:
        """As JSON, to file results under: keys that came later are left out where they say nothing."""
        return self.model_dump_json(exclude={name for name in _LATER if getattr(self, name) is None})


class Weak(Table):
    """`[supernet.weak]`: weights that a HyperNet conditions on the architecture; see `spaces/conditioning.py`."""

    form: Form = Field(
        "scale",
        description="what it puts out: scales of input channels and shifts of batch norms, a low-rank residual of each "
        "weight, or a mixture of kernels",
    )
    rho: float = Field(0.5, gt=0, description="how far weights may move away from the shared ones, as a share of them")
    hidden: Positive = Field(64, description="width of the two hidden layers")
    rank: Positive | None = Field(None, description="low-rank: of the residual; 4 by default")
    kernels: Annotated[int, Field(ge=2)] | None = Field(None, description="mixture: how many; 2 by default")
    sees: Sees = Field(
        "whole", description="what a block depends on: the whole architecture, or its own decisions and its neighbours'"
    )
    control: Control | None = Field(
        None, description="a wrong code to compare with: shuffled (another architecture's) or constant (one for all)"
    )

    warmup: float = Field(
        0.2, ge=0, lt=1, description="share of the training over which rho rises from 0; a step that goes on has 0"
    )
    dropout: float = Field(0.1, ge=0, lt=1, description="probability that a step hides an answer from the HyperNets")

    @model_validator(mode="after")
    def _of_form(self) -> "Weak":
        for name, form in (("rank", "low-rank"), ("kernels", "mixture")):
            if getattr(self, name) is not None and self.form != form:
                raise ValueError(f'{name} is for form = "{form}"')
        return self

    @property
    def terms(self) -> int:
        """The rank, or the kernels."""
        return {"scale": 0, "low-rank": self.rank or 4, "mixture": self.kernels or 2}[self.form]

    def derive(self, space: SearchSpace) -> SearchSpace:
        """The space with a supernet that shares its weights so."""
        return ConditionedSpace(
            space,
            self.form,
            self.rho,
            self.hidden,
            self.terms,
            self.sees,
            self.control,
            warmup=self.warmup,
            dropout=self.dropout,
        )


class Supernet(Table):
    """`[supernet]`: how it differs from the space's own; see enhancement, grouping and conditioning in `spaces/`."""

    activation: Activation | None = Field(None, description="what follows each residual addition")
    widths: dict[str, Positive] | None = Field(None, description="widths run in place of others, such as {4 = 5}")
    groups: Positive | Literal["widths"] | dict[str, _Rule] | None = Field(
        None, description="groups of widths with weights of their own: how many, or by the widest width of a layer"
    )
    norms: Literal["widths"] | None = Field(None, description="a batch norm for each width")
    group_slopes: bool | None = Field(None, description="a slope of PReLU for each group; true by default")
    weak: Weak | None = Field(None, description="share weights weakly: a HyperNet conditions them on the architecture")

    @field_validator("groups", mode="wrap")
    @classmethod
    def _rule(cls, value: object, validate: ValidatorFunctionWrapHandler) -> object:
        try:
            return validate(value)
        except ValidationError:  # which has a sentence for every way to read it
            raise ValueError(_RULES) from None

    @field_validator("widths", "groups")
    @classmethod
    def _numbered(cls, table: object) -> object:
        if isinstance(table, dict) and (wrong := [key for key in table if not key.isdecimal()]):
            raise ValueError(f"{', '.join(wrong)}: not a width")
        return table

    @property
    def enhanced(self) -> tuple[tuple[int, int], ...]:
        """The map of widths."""
        return tuple(sorted((int(before), after) for before, after in (self.widths or {}).items()))

    @property
    def rules(self) -> Rules | None:
        """How to group widths."""
        if not isinstance(self.groups, dict):
            return self.groups
        return tuple(
            (int(width), tuple(sorted(rule)) if isinstance(rule, list) else rule) for width, rule in self.groups.items()
        )

    def problems(self, space: SearchSpace) -> list[str]:
        """Why a space has no such supernet; empty if it has."""
        found = []
        found += enhancement_problems(space, self.enhanced, self.activation)
        if not found:
            found += grouping_problems(self._enhance(space), self.rules, self.norms)
        if not found and self.weak is not None:
            found += [f"weak: {problem}" for problem in conditioning_problems(self._group(space), self.weak.form)]
        return found

    def derive(self, space: SearchSpace) -> SearchSpace:
        """The space with this supernet."""
        space = self._group(space)
        return space if self.weak is None else self.weak.derive(space)

    def _group(self, space: SearchSpace) -> SearchSpace:
        space = self._enhance(space)
        if self.rules is None and self.norms is None:
            return space
        return GroupedSpace(space, self.rules, self.norms, self.group_slopes is not False)

    def _enhance(self, space: SearchSpace) -> SearchSpace:
        if not self.enhanced and self.activation is None:
            return space
        return EnhancedSpace(space, self.enhanced, self.activation or "relu")


class Initial(Table):
    """`[initial]`: weights to begin with; random ones by default."""

    weights: str | None = Field(None, description="a checkpoint of the same space")
    run: str | None = Field(None, description="a run whose last checkpoint to take, as seen from this run's folder")
    slope: float | None = Field(None, description="of a PReLU that inherits none; 0.25 by default, 0 makes it a ReLU")
    reorder_channels: bool = Field(False, description="strongest middle channels first, so that narrow paths get them")

    reorder_within: list[str] | None = Field(
        None, description="reorder_channels: options whose widths were trained; each keeps the channels that it has"
    )
    owned: bool | None = Field(
        None, description="go on with the networks that the method owned by then, such as its teacher, where it had any"
    )

    @model_validator(mode="after")
    def _one_source(self) -> "Initial":
        if self.weights is not None and self.run is not None:
            raise ValueError("weights and run are two sources; give one")
        return self


class Checkpoints(Table):
    """`[checkpoints]`: how often to save, and how many to keep."""

    every_epochs: Positive = Field(1, description="how often; after the last step always")
    keep: Positive = Field(3, description="the newest ones; older are deleted")


class Probe(Table):
    """`[probe]`: measure interference while training (`toolkit.interference`). It changes nothing in the training."""

    every_epochs: int = Field(0, ge=0, description="how often, and after the last epoch; 0: never")
    budget: Positive | None = Field(None, description="backward passes each time; default: 2.5 % of the training's")
    paths: int = Field(4, ge=2, description="random paths that are compared with each other")
    batches: Positive = Field(
        2, description="draws, each of the images that training works on at once; errors need two"
    )


class Track(Table):
    """`[track]`: who else is told the metrics (`toolkit/runs/trackers.py`). It changes nothing in the training."""

    wandb: str | None = Field(None, min_length=1, description="a project of Weights & Biases")
    mlflow: str | None = Field(None, min_length=1, description="an experiment of MLflow")


class Split(Table):
    """`[[split]]`: groups of a decision's options that get weights of their own; see `toolkit.spaces.splitting`."""

    decision: str = Field(description="its name, as `supernet probe` prints it")
    groups: Annotated[list[list[str]], Field(min_length=2, description="the decision's options, as text, each once")]
