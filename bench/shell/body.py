"""The body that all of them check, with the library that all of them use."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class Body(BaseModel):
    """Three fields."""

    name: str = Field(min_length=1, max_length=100)
    count: int = Field(ge=1, le=100)
    kind: Literal["pdf", "docx"]
