"""The shape of headquarters' rules on persons of concern: whom a rule means, what it asks for, and why.

Reach for this to see what a rule may look at and what it may ask for. Whom it means on a day is decided in
`include.casework.concern`. The texts of the fields are what a lawyer reads in the editor.
"""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from include.arrangements.models import Model
from include.extracts.countries import COUNTRIES

MARKS_OF_OUR_OWN = (
    "late",
    "claim_withdrawn",
    "known_after_departure",
    "was_in_review",
    "awaited_consent",
    "left_before_list",
    "not_reviewed",
)
"""What lists mark without any rule: a rule of such a name would say something else in the same words."""


def _country(code: str) -> str:
    if code not in COUNTRIES:
        raise ValueError("not a country; write its three letters, such as AFG, or XXA for stateless persons")
    return code


def _country_or_unknown(code: str) -> str:
    return code if code == "unknown" else _country(code)


Measure = Literal["flag", "urgent", "review"]
Country = Annotated[str, AfterValidator(_country), Field(examples=["AFG", "XXA"])]
CountryOrUnknown = Annotated[str, AfterValidator(_country_or_unknown), Field(examples=["AFG", "unknown"])]
Vulnerability = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", examples=["unaccompanied_child"])]


class Age(Model):
    """Completed years on the day of registration.

    A birth date may be a year or a month only. Who may be of this age then counts as being of it: doubt is decided
    for the rule. Who has no birth date at all counts only with `or_unknown`.
    """

    at_least: int | None = Field(None, ge=0, le=130, description="Years, this one included", examples=[60])
    below: int | None = Field(None, ge=1, le=130, description="Years, this one not included", examples=[18])
    or_unknown: bool = Field(False, description="Whether a person without any birth date is meant too")

    @model_validator(mode="after")
    def _says_something(self) -> "Age":
        if self.at_least is None and self.below is None:
            raise ValueError("says nothing; write below: 18, or at_least: 60, or both")
        if self.at_least is not None and self.below is not None and self.at_least >= self.below:
            raise ValueError("nobody is of this age: at_least must be less than below")
        return self


class Condition(Model):
    """Whom a rule means. All that is written side by side must hold; of a list of values one must."""

    nationality: tuple[Country, ...] | None = Field(
        None, min_length=1, description="One of these, as the case has it; XXA is stateless, XXX not known"
    )
    sex: tuple[Literal["F", "M", "X", "unknown"], ...] | None = Field(
        None, min_length=1, description="One of these; unknown where the case has none"
    )
    age: Age | None = Field(None, description="Completed years on the day of registration")
    vulnerabilities: tuple[Vulnerability, ...] | None = Field(
        None, min_length=1, description="At least one of these codes, as the case has them"
    )
    destination_country: tuple[CountryOrUnknown, ...] | None = Field(
        None, min_length=1, description="One of these; unknown where the case has none"
    )
    status: tuple[Literal["registered", "booked", "departed", "withdrawn", "no_show", "closed"], ...] | None = Field(
        None, min_length=1, description="One of these, as the AVR case has it"
    )
    stage: tuple[Literal["registered", "first_instance", "appeal", "closed"], ...] | None = Field(
        None, min_length=1, description="One of these, as the procedure has it"
    )
    outcome: (
        tuple[Literal["pending", "recognised", "subsidiary", "rejected", "withdrawn", "otherwise_closed"], ...] | None
    ) = Field(None, min_length=1, description="One of these, as the procedure has it")
    final: bool | None = Field(None, description="Whether nothing is open against the outcome")
    standing: tuple[Literal["pending", "rejected", "recognised", "withdrawn_claim"], ...] | None = Field(
        None, min_length=1, description="One of these, as it is with the person's consent"
    )
    all_of: tuple["Condition", ...] | None = Field(None, alias="all", min_length=1, description="All of these hold")
    any_of: tuple["Condition", ...] | None = Field(
        None, alias="any", min_length=1, description="At least one of these holds"
    )
    not_: "Condition | None" = Field(
        None, alias="not", description="This does not hold; where it is in doubt it does not stand in the way"
    )

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, written: Any) -> Any:
        if isinstance(written, dict):
            if not written:
                raise ValueError("says nothing, and would mean everybody; write at least one condition")
            if empty := sorted(str(field) for field, value in written.items() if value is None):
                raise ValueError(f"{empty[0]} is empty; write what it must be, or leave it out")
        return written


class Why(Model):
    """Why there is a rule, so that whoever is asked can say so."""

    text: str = Field(min_length=10, description="In a sentence or two")
    source: str = Field(min_length=5, description="The law, guideline or decision that it stands on")


class Rule(Model):
    """Some persons of concern, and what is done for them beyond the list itself."""

    name: str = Field(
        pattern=r"^[a-z][a-z_]*$",
        max_length=40,
        description="What lists mark it with",
        examples=["unaccompanied_child"],
    )
    when: Condition
    measures: tuple[Measure, ...] = Field(
        min_length=1,
        description="flag: marked on the list; urgent: told at once, whenever the next list is due; review: a person "
        "at IOM looks first, for as long as the arrangement's list.review_within and the departure allow",
    )
    why: Why

    @model_validator(mode="after")
    def _does_not_take_our_words(self) -> "Rule":
        if self.name in MARKS_OF_OUR_OWN:
            raise ValueError(f"the name {self.name} is taken: lists mark something else with it")
        return self


class Policy(Model):
    """Headquarters' rules on persons of concern: `policy/persons_of_concern.yaml`.

    The file may hold several versions with `---` between them; the newest whose `effective_from` has come is in force.
    A host country's day goes by the version in force on that day.
    """

    effective_from: dt.date = Field(description="The first day on which this version is in force")
    rules: tuple[Rule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_differ(self) -> "Policy":
        names = [rule.name for rule in self.rules]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two rules have the name {twice[0]}; write one, with any: between what it means")
        return self
